//! The sampling parameters of a model, within the ranges that every provider accepts.

use std::num::NonZeroU32;

use crate::limits::MAX_TOKENS;

/// Sampling parameters. One that is `None` is not sent, so the provider's default applies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sampling {
    /// The temperature.
    pub temperature: Option<Temperature>,
    /// The share of the probability for nucleus sampling.
    pub top_p: Option<TopP>,
    /// The limit of output tokens.
    pub max_tokens: Option<NonZeroU32>,
}

/// A temperature, from 0 to 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature(f64);

/// A share of the probability for nucleus sampling, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopP(f64);

/// A parameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SamplingError {
    /// The temperature.
    #[error("must be between 0 and 2")]
    Temperature,
    /// The share of the probability.
    #[error("must be between 0 and 1")]
    TopP,
    /// The limit of output tokens.
    #[error("must be between 1 and {MAX_TOKENS}")]
    MaxTokens,
}

impl Sampling {
    /// Checks the parameters of a request.
    ///
    /// # Errors
    /// The first parameter that is out of range.
    pub fn new(
        temperature: Option<f64>,
        top_p: Option<f64>,
        max_tokens: Option<u32>,
    ) -> Result<Self, SamplingError> {
        Ok(Self {
            temperature: temperature.map(Temperature::new).transpose()?,
            top_p: top_p.map(TopP::new).transpose()?,
            max_tokens: max_tokens.map(max_tokens_of).transpose()?,
        })
    }
}

fn max_tokens_of(tokens: u32) -> Result<NonZeroU32, SamplingError> {
    NonZeroU32::new(tokens).filter(|tokens| tokens.get() <= MAX_TOKENS).ok_or(SamplingError::MaxTokens)
}

impl SamplingError {
    /// Returns the name of the field, which is the same in every contract.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::MaxTokens => "max_tokens",
        }
    }
}

impl Temperature {
    /// Checks a temperature.
    ///
    /// # Errors
    /// [`SamplingError::Temperature`] outside 0 to 2.
    pub fn new(value: f64) -> Result<Self, SamplingError> {
        if (0.0..=2.0).contains(&value) { Ok(Self(value)) } else { Err(SamplingError::Temperature) }
    }

    /// Returns the temperature.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TopP {
    /// Checks a share of the probability.
    ///
    /// # Errors
    /// [`SamplingError::TopP`] outside 0 to 1.
    pub fn new(value: f64) -> Result<Self, SamplingError> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(SamplingError::TopP) }
    }

    /// Returns the share.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_every_range_are_accepted() {
        let least = Sampling::new(Some(0.0), Some(0.0), Some(1)).unwrap();
        let most = Sampling::new(Some(2.0), Some(1.0), Some(MAX_TOKENS)).unwrap();
        assert_eq!(least.temperature.map(Temperature::get), Some(0.0));
        assert_eq!(most.top_p.map(TopP::get), Some(1.0));
        assert_eq!(Sampling::new(None, None, None), Ok(Sampling::default()));
    }

    #[test]
    fn a_parameter_out_of_range_is_refused_with_its_field() {
        let outside = [
            (Sampling::new(Some(2.1), None, None), "temperature"),
            (Sampling::new(Some(f64::NAN), None, None), "temperature"),
            (Sampling::new(None, Some(-0.1), None), "top_p"),
            (Sampling::new(None, None, Some(0)), "max_tokens"),
            (Sampling::new(None, None, Some(MAX_TOKENS + 1)), "max_tokens"),
            (Sampling::new(None, None, Some(u32::MAX)), "max_tokens"),
        ];
        for (refused, field) in outside {
            assert_eq!(refused.map_err(SamplingError::field), Err(field));
        }
    }
}

//! Evaluates the runs of two builds: ratios of costs, their spread, and the verdict.

use std::fmt::Write;

/// The cost of a turn in one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// CPU time of the server and its database, in microseconds.
    pub(crate) cpu: f64,
    /// Time on the clock, in microseconds.
    pub(crate) time: f64,
}

/// The costs of both builds on one store: for each round the old one's and the new one's.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    rounds: Vec<(Cost, Cost)>,
}

/// One measure of both builds. A ratio above 1 means that the new build costs more.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ratio {
    /// The medians of all runs.
    old: f64,
    new: f64,
    /// The new median divided by the old one.
    medians: f64,
    /// The least and the greatest ratio of the two runs of a round.
    rounds: (f64, f64),
    /// The spread of the old build: its least and its greatest run, divided by its median.
    noise: (f64, f64),
}

/// Up to this ratio of the medians, a build counts as not slower.
const TOLERANCE: f64 = 1.05;

impl Comparison {
    pub(crate) fn add(&mut self, old: Cost, new: Cost) {
        self.rounds.push((old, new));
    }

    /// Whether both CPU time and clock time are within the tolerance or the spread.
    pub(crate) fn is_not_slower(&self) -> bool {
        self.ratios().into_iter().all(|(_, ratio)| ratio.is_some_and(Ratio::is_not_slower))
    }

    /// The rows of this store, for the table that [`HEAD`] begins.
    pub(crate) fn rows(&self, store: &str) -> String {
        let mut text = String::new();
        for (measure, ratio) in self.ratios() {
            let Some(ratio) = ratio else { continue };
            let verdict = if ratio.is_not_slower() { "not slower" } else { "**slower**" };
            let Ratio { old, new, medians, rounds, noise } = ratio;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {store}: {measure} | {old:.1} | {new:.1} | {medians:.3} | {:.3}–{:.3} | {:.3}–{:.3} | {verdict} |",
                rounds.0, rounds.1, noise.0, noise.1
            );
        }
        text
    }

    fn ratios(&self) -> [(&'static str, Option<Ratio>); 2] {
        [
            ("CPU per turn, µs", self.ratio(|cost| cost.cpu)),
            ("time per turn, µs", self.ratio(|cost| cost.time)),
        ]
    }

    fn ratio(&self, figure: impl Fn(Cost) -> f64) -> Option<Ratio> {
        let olds: Vec<f64> = self.rounds.iter().map(|(old, _)| figure(*old)).collect();
        let news: Vec<f64> = self.rounds.iter().map(|(_, new)| figure(*new)).collect();
        let (old, new) = (median(&olds)?, median(&news)?);
        let rounds: Vec<f64> = olds.iter().zip(&news).map(|(old, new)| new / old).collect();
        let (least, greatest) = spread(&olds);
        Some(Ratio {
            old,
            new,
            medians: new / old,
            rounds: spread(&rounds),
            noise: (least / old, greatest / old),
        })
    }
}

/// The head of the table.
pub(crate) const HEAD: &str = "| store: measure | old | new | new/old | spread of rounds | old against itself | verdict |\n\
     | --- | ---: | ---: | ---: | ---: | ---: | --- |\n";

impl Ratio {
    fn is_not_slower(self) -> bool {
        self.medians <= TOLERANCE.max(self.noise.1)
    }
}

/// The median; of an even number of figures, the mean of the middle two.
fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

/// The least and the greatest figure.
fn spread(figures: &[f64]) -> (f64, f64) {
    figures.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), figure| {
        (least.min(*figure), greatest.max(*figure))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(olds: &[f64], news: &[f64]) -> Comparison {
        let cost = |figure: f64| Cost { cpu: figure, time: figure * 2.0 };
        let mut comparison = Comparison::default();
        for (old, new) in olds.iter().zip(news) {
            comparison.add(cost(*old), cost(*new));
        }
        comparison
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_ratio_is_of_medians_and_its_spread_of_rounds() {
        let compared = comparison(&[100.0, 110.0, 90.0], &[99.0, 120.0, 108.0]);
        let ratio = compared.ratio(|cost| cost.cpu).unwrap();
        assert_eq!((ratio.old, ratio.new, ratio.medians), (100.0, 108.0, 1.08));
        assert_eq!(ratio.rounds, (0.99, 1.2));
        assert_eq!(ratio.noise, (0.9, 1.1));
        assert!(ratio.is_not_slower(), "within what the old build differs from itself");
    }

    #[test]
    fn a_build_is_slower_beyond_tolerance_and_spread() {
        let steady = [100.0, 101.0, 99.0];
        assert!(comparison(&steady, &[105.0, 105.0, 105.0]).is_not_slower());
        assert!(comparison(&steady, &[80.0, 80.0, 80.0]).is_not_slower());
        assert!(!comparison(&steady, &[106.0, 106.0, 106.0]).is_not_slower());
        assert!(!comparison(&[], &[]).is_not_slower(), "nothing was measured");
    }

    #[test]
    fn the_table_names_each_figure() {
        let rows = comparison(&[100.0, 110.0, 90.0], &[130.0, 120.0, 125.0]).rows("SQLite");
        assert_eq!(
            rows.lines().next().unwrap(),
            "| SQLite: CPU per turn, µs | 100.0 | 125.0 | 1.250 | 1.091–1.389 | 0.900–1.100 | **slower** |"
        );
        assert_eq!(rows.lines().count(), 2);
    }
}

//! The model that a conversation shows: its own, else that of its last reply, else a default.

use crate::{Contract, Conversation, ModelName};

/// The models of contracts, for turns and conversations that have none of their own (C-17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultModels {
    /// The model of S0.
    pub llm_chat: ModelName,
    /// The model of S2 and S3.
    pub chat_service: ModelName,
    /// The model of S4.
    pub persona_chat: ModelName,
}

impl DefaultModels {
    /// The default of a contract. S1 has none, because its sessions begin with a model of their own; that of S0 stands in.
    #[must_use]
    pub fn of(&self, contract: Contract) -> &ModelName {
        match contract {
            Contract::LlmChat | Contract::ChatApi | Contract::OpenAi => &self.llm_chat,
            Contract::ChatService | Contract::ChatAi => &self.chat_service,
            Contract::PersonaChat => &self.persona_chat,
        }
    }

    /// The model that a conversation shows: its own, else that of its last reply, else the default of the contract that
    /// began it (S1-28).
    #[must_use]
    pub fn shown<'a>(&'a self, conversation: &'a Conversation) -> &'a ModelName {
        let used = conversation.model.as_ref().or(conversation.last_model.as_ref());
        used.unwrap_or_else(|| self.of(conversation.begun_by))
    }

    /// The condition that a conversation shows this model.
    #[must_use]
    pub fn showing(&self, name: ModelName) -> ShownModel {
        let default_of = Contract::ALL.into_iter().filter(|contract| *self.of(*contract) == name).collect();
        ShownModel { name, default_of }
    }
}

/// The condition that a conversation shows a model ([`DefaultModels::shown`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownModel {
    /// The model.
    pub name: ModelName,
    /// The contracts whose default it is: what they began shows it while it has neither a model of its own nor a reply.
    pub default_of: Vec<Contract>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> ModelName {
        ModelName::parse(name).unwrap()
    }

    #[test]
    fn a_condition_names_the_contracts_whose_default_the_model_is() {
        let defaults = DefaultModels {
            llm_chat: model("gpt-4o"),
            chat_service: model("openai/gpt-3.5-turbo"),
            persona_chat: model("gpt-4o"),
        };
        let default_of = |name| defaults.showing(model(name)).default_of;
        assert_eq!(default_of("openai/gpt-3.5-turbo"), [Contract::ChatService, Contract::ChatAi]);
        assert_eq!(
            default_of("gpt-4o"),
            [Contract::LlmChat, Contract::ChatApi, Contract::PersonaChat, Contract::OpenAi]
        );
        assert!(default_of("gpt-4").is_empty());
    }
}

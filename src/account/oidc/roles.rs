//! What somebody may do here for what the provider says of them. In: claims. Out: a role, if one of their groups has one.

use serde_json::{Map, Value};

use crate::account::Role;
use crate::room::Name;

/// Which group has which role. The first that fits counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(pub Vec<(String, Role)>);

impl Roles {
    /// The role of who is in these groups.
    pub fn of(&self, groups: &[&str]) -> Option<Role> {
        self.0.iter().find(|(group, _)| groups.contains(&group.as_str())).map(|(_, role)| *role)
    }
}

/// What the provider says of somebody.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// By what it tells them from all others.
    pub subject: String,
    /// All else.
    pub more: Map<String, Value>,
}

impl Claims {
    /// The texts of a claim: one, or a list. `realm_access.roles` is `roles` inside of `realm_access`, unless a claim has just that
    /// name.
    pub fn texts(&self, claim: &str) -> Vec<&str> {
        match self.find(claim) {
            Some(Value::String(text)) => vec![text.as_str()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        }
    }

    /// What to call them: by this claim, or else as the provider tells them from others. Short, and safe to show.
    pub fn name(&self, claim: &str) -> String {
        let chosen = self.texts(claim).into_iter().find(|text| !text.trim().is_empty());
        Name::chosen(chosen.unwrap_or(&self.subject)).for_roster().to_owned()
    }

    fn find(&self, claim: &str) -> Option<&Value> {
        if let Some(found) = self.more.get(claim) {
            return Some(found);
        }
        let mut steps = claim.split('.');
        let first = self.more.get(steps.next()?)?;
        steps.try_fold(first, |inside, step| inside.get(step))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claims(more: Value) -> Claims {
        let Value::Object(more) = more else { panic!("an object") };
        Claims { subject: String::from("4711"), more }
    }

    fn roles() -> Roles {
        let role = |(group, role): (&str, Role)| (group.to_owned(), role);
        Roles(
            [("telefon-admin", Role::Administrator), ("telefonie", Role::Editor), ("alle", Role::Viewer)]
                .map(role)
                .into(),
        )
    }

    #[test]
    fn a_group_is_found_where_providers_put_it() {
        for (told, claim, found) in [
            (json!({"groups": ["a", 7, "telefonie"]}), "groups", &["a", "telefonie"][..]),
            (json!({"groups": "telefonie"}), "groups", &["telefonie"]),
            (json!({"realm_access": {"roles": ["telefonie"]}}), "realm_access.roles", &["telefonie"]),
            (json!({"https://stadt.example/roles": ["x"]}), "https://stadt.example/roles", &["x"]),
            (json!({"a.b": ["whole"], "a": {"b": ["part"]}}), "a.b", &["whole"]),
            (json!({"groups": {"telefonie": true}}), "groups", &[]),
            (json!({"groups": null}), "groups", &[]),
            (json!({}), "groups", &[]),
            (json!({"a": "text"}), "a.b", &[]),
        ] {
            assert_eq!(claims(told).texts(claim), found, "{claim}");
        }
    }

    #[test]
    fn somebody_is_called_as_the_claim_says_and_cannot_pretend_lines() {
        let name = |told: Value| claims(told).name("preferred_username");
        assert_eq!(name(json!({"preferred_username": " erika\n\u{202e}muster "})), "erika muster");
        assert_eq!(name(json!({"preferred_username": " "})), "4711");
        assert_eq!(name(json!({"preferred_username": ["erika"]})), "erika");
        assert_eq!(name(json!({})), "4711");
    }

    proptest! {
        #[test]
        fn who_is_in_no_group_of_ours_has_no_role_and_the_first_counts_for_others(
            groups in prop::collection::vec("telefon-admin|telefonie|alle|Alle|telefon|x| alle", 0..6),
        ) {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            let has = |group: &str| groups.contains(&group);
            let expected = if has("telefon-admin") {
                Some(Role::Administrator)
            } else if has("telefonie") {
                Some(Role::Editor)
            } else {
                has("alle").then_some(Role::Viewer)
            };
            prop_assert_eq!(roles().of(&groups), expected);
        }
    }
}

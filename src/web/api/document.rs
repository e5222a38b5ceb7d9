//! The API's description (OpenAPI 3.1), from the types and addresses themselves.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    accounts, audit, callbacks, calls, dialplan, erasures, federation, invitations, live, oidc, residency, routes,
    session, survey, trunks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Einwahl",
        description = "Meetings, the dialplan, call records, trunks, the federation and where data goes by API. Every refusal is a problem document (RFC 9457) that says which field is wrong and what to do, in German or English as `Accept-Language` says; `Content-Language` says in which. Without that header it is English.",
    ),
    paths(
        routes::list, routes::create, routes::show, routes::change, routes::delete,
        session::sign_in, session::totp, session::enrol, session::password, session::look, session::sign_out,
        oidc::ways, oidc::depart, oidc::back,
        accounts::list, accounts::make, accounts::change, accounts::delete, accounts::reset, audit::entries,
        live::look, live::hang_up, live::mute_call, live::transfer, live::mute, live::end, live::events,
    ),
    components(schemas(live::LiveChange)),
    modifiers(&Tokens),
)]
struct Api;

/// A program shows a token, a person a cookie.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let description = "`einwahl api token NAME` makes one.";
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let description =
            "Who signs in at POST /api/v1/session gets it. What changes anything takes the header `X-CSRF-Token`, too.";
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(super::site::COOKIE, description));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

pub(super) fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
        .merge_from(survey::Api::openapi())
        .merge_from(dialplan::Api::openapi())
        .merge_from(calls::Api::openapi())
        .merge_from(callbacks::Api::openapi())
        .merge_from(invitations::Api::openapi())
        .merge_from(erasures::Api::openapi())
        .merge_from(trunks::Api::openapi())
        .merge_from(federation::Api::openapi())
        .merge_from(residency::Api::openapi())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_address_and_every_word_is_described() {
        let document = serde_json::to_value(super::document()).expect("written");
        let meetings = &document["paths"]["/api/v1/meetings"];
        assert!(meetings["get"]["responses"]["401"].is_object() && meetings["post"].is_object());
        assert!(document["paths"]["/api/v1/meetings/{room}"]["patch"].is_object());
        let words = &document["components"]["schemas"]["MeetingBody"]["properties"];
        for word in ["room", "id", "pin", "moderatorPin", "opensAt", "endsAt", "announce", "language"] {
            assert!(words[word].is_object(), "no {word} in {words}");
        }
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    }

    #[test]
    fn trunks_are_described_with_what_an_examination_tells() {
        let document = serde_json::to_value(super::document()).expect("written");
        assert!(document["paths"]["/api/v1/trunks"]["get"]["responses"]["200"].is_object());
        assert!(document["paths"]["/api/v1/trunks/{name}/check"]["post"]["requestBody"].is_object());
        for schema in ["Trunks", "ShownTrunk", "Report", "Told", "Rung"] {
            assert!(document["components"]["schemas"][schema].is_object(), "{schema}");
        }
    }

    #[test]
    fn what_a_plan_does_is_described_too() {
        let document = serde_json::to_value(super::document()).expect("written");
        for question in ["check", "try", "tree", "week", "coverage"] {
            let post = &document["paths"][format!("/api/v1/dialplan/{question}")]["post"];
            assert!(post["responses"]["200"].is_object() && post["requestBody"].is_object(), "{question}");
        }
        for schema in ["Stretch", "Leaf", "Row", "PlanProblem", "TriedStep"] {
            assert!(document["components"]["schemas"][schema].is_object(), "{schema}");
        }
    }
}

//! What both of hawkBit's APIs answer alike: errors, and JSON with an ETag.

use crate::http::{Request, Response};
use crate::store::{Denied, hex};
use md5::Digest as _;
use serde_json::{Value, json};

/// A request, with when it came and what links are to begin with.
pub(crate) struct Asked<'r> {
    pub(crate) request: &'r Request,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    /// `http://host:port`, as the client has named the server.
    pub(crate) base: String,
}

/// An answer, or one that says why there is none.
pub(crate) type Answer = Result<Response, Response>;

/// What was answered to the question whether an order may be carried out.
pub(crate) struct Word {
    pub(crate) yes: bool,
    pub(crate) code: Option<i64>,
    pub(crate) details: Vec<String>,
}

impl Asked<'_> {
    /// The body as a yes or a no, which both APIs take alike.
    pub(crate) fn word(&self) -> Result<Word, Response> {
        let said = self.json()?;
        let yes = match said["confirmation"].as_str() {
            Some("confirmed") => true,
            Some("denied") => false,
            _ => return Err(unreadable()),
        };
        let details = said["details"].as_array().into_iter().flatten();
        let details = details.filter_map(|text| text.as_str().map(str::to_owned)).collect();
        Ok(Word { yes, code: said["code"].as_i64(), details })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Response> {
        let kind = self.request.header("Content-Type").unwrap_or_default();
        if !kind.starts_with("application/json") && !kind.starts_with("application/hal+json") {
            return Err(Response::framework(415, "Unsupported Media Type"));
        }
        serde_json::from_slice(&self.request.body).map_err(|_| unreadable())
    }

    /// With an ETag over its body, or 304 where the client has that already.
    pub(crate) fn tagged(&self, response: Response) -> Response {
        // A head has none.
        if self.request.method != "GET" {
            return response;
        }
        let tag = format!("\"0{}\"", hex(&md5::Md5::digest(response.bytes())));
        let known = self.request.header("If-None-Match").unwrap_or_default();
        if known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) {
            return Response::empty(304).with("ETag", tag);
        }
        response.with("ETag", tag)
    }
}

/// A body that can't be read.
pub(crate) fn unreadable() -> Response {
    error(
        400,
        "rest.exception.MessageNotReadableException",
        "rest.body.notReadable",
        "the body can't be read",
    )
}

/// An error in the shape that both APIs give it.
fn error(status: u16, class: &str, code: &str, message: &str) -> Response {
    let value = json!({
        "exceptionClass": format!("org.eclipse.hawkbit.{class}"),
        "errorCode": format!("hawkbit.server.error.{code}"),
        "message": message,
    });
    Response::json(status, "application/json;charset=UTF-8", &value)
}

impl From<Denied> for Response {
    fn from(denied: Denied) -> Self {
        let (status, class, code, message) = match denied {
            Denied::Unknown(what) => {
                (404, "EntityNotFoundException", "repo.entityNotFound", format!("no such {what}"))
            }
            Denied::Exists("AutoConfirmation") => {
                let class = "AutoConfirmationAlreadyActiveException";
                (409, class, "repo.autoConfAlreadyActive", "it is on".to_owned())
            }
            Denied::Exists(what) => (
                409,
                "EntityAlreadyExistsException",
                "repo.entityAlreadyExists",
                format!("there is such a {what}"),
            ),
            Denied::TooMany(what) => {
                (429, "AssignmentQuotaExceededException", "quota.tooManyEntries", format!("too many: {what}"))
            }
            Denied::NotCancelable => (
                405,
                "CancelActionNotAllowedException",
                "action.notCancelable",
                "not to be canceled".to_owned(),
            ),
            Denied::NotForceQuitable => {
                let class = "ForceQuitActionNotAllowedException";
                (405, class, "action.notForceQuitable", "not to be ended by force".to_owned())
            }
            Denied::Locked => (423, "LockedException", "locked", "it was assigned, and is locked".to_owned()),
            Denied::WrongState => {
                (400, "RolloutIllegalStateException", "rollout.illegalState", "not in its state".to_owned())
            }
            Denied::Over => return Response::empty(410),
            Denied::Invalid("attributes") => {
                let class = "InvalidTargetAttributeException";
                (400, class, "repo.invalidTargetAttributes", "a bad attribute".to_owned())
            }
            Denied::Invalid("incomplete") => (
                400,
                "IncompleteDistributionSetException",
                "distributionset.incomplete",
                "a module lacks".to_owned(),
            ),
            Denied::Invalid("search") => {
                (400, "RSQLParameterSyntaxException", "rest.param.rsqlParamSyntax", "no search".to_owned())
            }
            Denied::Invalid("field") => {
                let class = "RSQLParameterUnsupportedFieldException";
                (400, class, "rest.param.rsqlInvalidField", "no such field".to_owned())
            }
            Denied::Invalid("sha256sum") => {
                let code = "artifact.uploadFailed.checksum.sha256.match";
                (400, "InvalidSha256HashException", code, "another sum".to_owned())
            }
            Denied::Invalid("sha1sum") => {
                let code = "artifact.uploadFailed.checksum.sha1.match";
                (400, "InvalidSha1HashException", code, "another sum".to_owned())
            }
            Denied::Invalid("md5sum") => {
                let code = "artifact.uploadFailed.checksum.md5.match";
                (400, "InvalidMd5HashException", code, "another sum".to_owned())
            }
            Denied::Invalid("sorted") => {
                let class = "SortParameterUnsupportedFieldException";
                (400, class, "rest.param.invalidField", "no such field".to_owned())
            }
            Denied::Invalid("sort") => (
                400,
                "SortParameterSyntaxErrorException",
                "rest.param.sortParamSyntax",
                "no order".to_owned(),
            ),
            Denied::Invalid("invalid") => {
                let class = "InvalidDistributionSetException";
                (400, class, "distributionset.invalid", "the set is not to be assigned any more".to_owned())
            }
            Denied::Invalid("value") => {
                let class = "TenantConfigurationValidatorException";
                (400, class, "configValueInvalid", "no such value".to_owned())
            }
            Denied::Invalid("key") => {
                let class = "InvalidTenantConfigurationKeyException";
                (400, class, "configKeyInvalid", "no such key".to_owned())
            }
            Denied::Invalid(what) => {
                (400, "ConstraintViolationException", "repo.constraintViolation", format!("invalid: {what}"))
            }
        };
        error(status, &format!("repository.exception.{class}"), code, &message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_shape_that_clients_know() {
        let said: Value = serde_json::from_slice(&Response::from(Denied::TooMany("Row")).bytes()).unwrap();
        assert_eq!(said["errorCode"], "hawkbit.server.error.quota.tooManyEntries");
        assert!(said["exceptionClass"].is_string() && said["message"].is_string());
        assert!(Response::from(Denied::Over).bytes().is_empty());
    }
}

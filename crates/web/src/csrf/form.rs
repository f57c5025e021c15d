//! Which kind of form a body is, and the search for its token.

use cloakroom_core::auth::REDIRECT_FIELD_NAME;
use cloakroom_core::csrf::{
    FORM_FIELD, FormFault, MultipartBoundary, MultipartScan, UrlencodedScan,
};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::body::Pieces;

/// The fields that we look for.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) token: Option<String>,
    pub(super) next: Option<String>,
}

/// A form's kind, by its `Content-Type`.
#[derive(Debug)]
pub(super) enum Form {
    Urlencoded,
    Multipart(Box<MultipartScan>),
}

impl Form {
    /// `None` for bodies of other types, and for those with more than one: parsers disagree on which of them counts.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        if let Some(boundary) = MultipartBoundary::from_content_type(value.as_bytes()) {
            return Some(Self::Multipart(Box::new(MultipartScan::new(&boundary))));
        }
        let kind = value.to_str().ok()?.split(';').next().unwrap_or_default();
        kind.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            .then_some(Self::Urlencoded)
    }

    /// What the beginning of the body holds, and what is to be looked at in the rest of it.
    ///
    /// A multipart form whose token has not come yet may be searched on. One that is malformed before its token has
    /// none: the header may have it.
    pub(super) fn read(self, beginning: &Pieces, whole: bool) -> Result<(Fields, Scan), FormFault> {
        match self {
            Self::Urlencoded => {
                let beginning = beginning.contiguous();
                // The last field of a part of a body may be cut.
                let last = beginning.iter().rposition(|byte| *byte == b'&');
                let end = match last {
                    _ if whole => beginning.len(),
                    last => last.map_or(0, |at| at + 1),
                };
                let (complete, cut) = beginning.split_at(end);
                let fields = urlencoded(complete);
                if whole || fields.token.is_none() {
                    return Ok((fields, Scan::Nothing));
                }
                let mut scan = UrlencodedScan::new();
                scan.push(cut)?;
                Ok((fields, Scan::Urlencoded(scan)))
            }
            Self::Multipart(mut scan) => {
                let pushed = beginning.iter().try_for_each(|piece| scan.push(piece));
                let fields = Fields {
                    token: scan.token().map(Into::into),
                    next: scan.next().map(Into::into),
                };
                match pushed {
                    Ok(()) => Ok((fields, Scan::Multipart(scan))),
                    Err(FormFault::Malformed) if fields.token.is_none() => {
                        Ok((Fields::default(), Scan::Nothing))
                    }
                    Err(fault) => Err(fault),
                }
            }
        }
    }
}

/// Of repeated fields the last counts, as in Django.
fn urlencoded(bytes: &[u8]) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in form_urlencoded::parse(bytes) {
        if name == FORM_FIELD {
            fields.token = Some(value.into_owned());
        } else if name == REDIRECT_FIELD_NAME {
            fields.next = Some(value.into_owned());
        }
    }
    fields
}

/// What is still looked for in what comes behind a form's beginning.
#[derive(Debug)]
pub(super) enum Scan {
    Nothing,
    Urlencoded(UrlencodedScan),
    Multipart(Box<MultipartScan>),
}

impl Scan {
    /// The next bytes of the body.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), FormFault> {
        match self {
            Self::Nothing => Ok(()),
            Self::Urlencoded(scan) => scan.push(bytes),
            Self::Multipart(scan) => scan.push(bytes),
        }
    }

    /// The end of the body.
    pub(super) fn finish(&mut self) -> Result<(), FormFault> {
        match self {
            Self::Urlencoded(scan) => scan.finish(),
            Self::Nothing | Self::Multipart(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(values: &[&str]) -> Option<Form> {
        let pairs = values
            .iter()
            .map(|value| (CONTENT_TYPE, value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        Form::of(&headers)
    }

    #[test]
    fn forms_are_told_by_their_type() {
        for value in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
        ] {
            assert!(matches!(form(&[value]), Some(Form::Urlencoded)), "{value}");
        }
        let multipart = "multipart/form-data; boundary=a";
        assert!(matches!(form(&[multipart]), Some(Form::Multipart(_))));
        for values in [
            &["multipart/form-data"][..],
            &["application/json"],
            &["text/plain"],
            &[],
            &[multipart, multipart],
            &[multipart, "application/x-www-form-urlencoded"],
        ] {
            assert!(form(values).is_none(), "{values:?}");
        }
    }
}

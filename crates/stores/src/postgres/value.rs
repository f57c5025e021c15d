//! Parameters and columns of our statements, in PostgreSQL's binary format.

use std::error::Error;
use std::fmt;

use bytes::{BufMut as _, BytesMut};
use cloakroom_core::time::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::user_key::UserKey;

/// A text. The driver can write parameters to a log, where a session key or a password has no place: so this one
/// never shows itself.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Text(..)")
    }
}

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TEXT
    }

    to_sql_checked!();
}

/// A user's primary key, in the type of its column.
impl ToSql for UserKey {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Integer(number) => out.put_i64(*number),
            Self::Uuid(uuid) => out.put_slice(uuid.as_bytes()),
            Self::Text(text) => out.put_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::UUID, Type::TEXT].contains(ty)
    }

    to_sql_checked!();
}

/// A `timestamp with time zone`: microseconds from 2000-01-01T00:00:00Z.
#[derive(Debug)]
pub(super) struct Moment(pub(super) Timestamp);

/// 2000-01-01T00:00:00Z in microseconds since the Unix epoch.
const EPOCH: i64 = 946_684_800_000_000;

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.unix_micros() - EPOCH);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl FromSql<'_> for Moment {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        // `infinity` is the greatest number and `-infinity` the least: both end up within range.
        let micros = i64::from_be_bytes(raw.try_into()?).saturating_add(EPOCH);
        Ok(Self(Timestamp::from_unix_micros(micros)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_kept_to_the_microsecond() {
        for micros in [0, 1, -1, 1_700_000_000_123_456, EPOCH] {
            let moment = Timestamp::from_unix_micros(micros);
            let mut bytes = BytesMut::new();
            let _ = Moment(moment)
                .to_sql(&Type::TIMESTAMPTZ, &mut bytes)
                .unwrap();
            let back = Moment::from_sql(&Type::TIMESTAMPTZ, &bytes).unwrap();
            assert_eq!(back.0, moment);
        }
    }

    #[test]
    fn infinity_is_the_last_moment_there_is() {
        for (raw, moment) in [(i64::MAX, Timestamp::MAX), (i64::MIN, Timestamp::MIN)] {
            let read = Moment::from_sql(&Type::TIMESTAMPTZ, &raw.to_be_bytes()).unwrap();
            assert_eq!(read.0, moment);
        }
    }

    #[test]
    fn a_parameter_never_shows_its_text() {
        assert_eq!(format!("{:?}", Some(Text("secret"))), "Some(Text(..))");
    }
}

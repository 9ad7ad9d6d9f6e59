//! What is promised as a JSON object is read from an object only. By itself serde would take a list too, its values in
//! the order of the fields: `[null, null]` would be a change of something, and nobody could say of what.

/// Reads and writes these types as derived, but from objects only. Each is marked with `#[serde(remote = "Self")]`, by
/// which serde calls what it derives not by the trait's name, but by the type's own.
macro_rules! only_objects {
    ($($object:ty),+ $(,)?) => {$(
        impl serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                <$object>::serialize(self, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $object {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $object;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, fields: A) -> Result<$object, A::Error> {
                        <$object>::deserialize(serde::de::value::MapAccessDeserializer::new(fields))
                    }
                }
                from.deserialize_map(Fields)
            }
        }
    )+};
}

pub(crate) use only_objects;

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use crate::*;

    fn refused<T: DeserializeOwned>(object: &str, list: &str) {
        assert!(serde_json::from_str::<T>(object).is_ok(), "{object}");
        assert!(serde_json::from_str::<T>(list).is_err(), "{list}");
    }

    #[test]
    fn a_list_is_no_object() {
        refused::<PersonNew>(r#"{"name":"bo"}"#, r#"["bo",null,null]"#);
        refused::<PersonChange>(r#"{"allowance":null}"#, "[null]");
        refused::<Amount>(r#"{"bytes":1}"#, "[1]");
        refused::<Gift>(r#"{"to":"bo","bytes":1}"#, r#"["bo",1]"#);
        refused::<WishAnswer>(r#"{"yes":true}"#, "[true]");
        refused::<Agreement>(r#"{"money":"1"}"#, r#"["1"]"#);
        refused::<Invite>("{}", "[]");
        refused::<KeyRotation>("{}", "[]");
        refused::<NetworkKeyRotation>("{}", "[]");
        refused::<DeviceChange>("{}", "[]");
        refused::<PlanChange>(r#"{"terms":{}}"#, r#"{"terms":[]}"#);
        refused::<PlanChange>("{}", "[]");
        refused::<PlanCorrection>(r#"{"used":1}"#, "[1]");
        refused::<Claim>(r#"{"name":"bo"}"#, r#"["bo"]"#);
        refused::<AccessTokenNew>(r#"{"name":"a","scope":"read"}"#, r#"["a","read"]"#);
        refused::<AccessLinkNew>("{}", "[]");
        refused::<AccessPassword>("{}", "[]");
        refused::<AccessOwner>("{}", "[]");
        refused::<Part>(r#"{"name":"a"}"#, r#"["a"]"#);
        refused::<Terms>("{}", "[]");
        refused::<Pay>(r#"{"price":"1","unit":1,"limit":"1","step":"1"}"#, r#"["1",1,"1","1"]"#);
        refused::<Window>(
            r#"{"days":["mon"],"from":"01:00","until":"02:00"}"#,
            r#"[["mon"],"01:00","02:00"]"#,
        );
        refused::<Period>(r#"{"kind":"monthly","day":5}"#, r#"["monthly",5]"#);
        refused::<Unused>(r#"{"kind":"kept","most":5}"#, r#"["kept",5]"#);
    }

    #[test]
    fn a_choice_takes_no_field_that_it_does_not_know() {
        for text in [r#"{"kind":"lost","most":5}"#, r#"{"kind":"next-period","most":5}"#] {
            assert!(serde_json::from_str::<Unused>(text).is_err(), "{text}");
        }
    }
}

//! Policies of the lab in the words of nginx.

/// What policies by key hash, where the environment says nothing.
const HASHED: &str = "address";

/// The directive that picks like `policy`, empty for what nginx does by itself; `hash_on` is what a key is made of.
///
/// # Errors
/// Why nginx has nothing like it, as the end of a sentence about the policy.
pub(super) fn method(policy: &str, hash_on: Option<&str>) -> Result<String, &'static str> {
    let key = key(hash_on.unwrap_or(HASHED))?;
    match policy {
        "round_robin" | "weighted_round_robin" => Ok(String::new()),
        "least_connections" | "weighted_least_connections" => Ok("least_conn;".to_owned()),
        "random" => Ok("random;".to_owned()),
        "two_choices" => Ok("random two least_conn;".to_owned()),
        "ip_hash" if key == ADDRESS => Ok("ip_hash;".to_owned()),
        // Its hash of an address is of addresses only; that of anything else is by modulo as well.
        "ip_hash" => Ok(format!("hash {key};")),
        "consistent_hash" => Ok(format!("hash {key} consistent;")),
        "least_response_time" => Err("its `least_time` is part of the commercial edition"),
        "peak_ewma" => Err("it has no method that looks at peaks of latency"),
        "bounded_loads" => Err("its consistent hashing has no bound on loads"),
        "rendezvous" | "maglev" => Err("its only consistent hashing is a ring"),
        _ => Err("it has no such method"),
    }
}

/// Whether the lab's policy of this name looks at the weights of instances.
pub(super) fn looks_at_weights(policy: &str) -> bool {
    matches!(
        policy,
        "weighted_round_robin" | "weighted_least_connections" | "consistent_hash"
    )
}

const ADDRESS: &str = "$remote_addr";

/// The variable that holds what is hashed.
fn key(hash_on: &str) -> Result<String, &'static str> {
    match hash_on {
        "address" => Ok(ADDRESS.to_owned()),
        "path" => Ok("$request_uri".to_owned()),
        _ => hash_on
            .strip_prefix("header:")
            .map(|name| format!("$http_{}", name.to_ascii_lowercase().replace('-', "_")))
            .filter(|name| {
                name.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"$_".contains(&byte))
            })
            .ok_or("it has no variable for that key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_said_in_the_words_of_nginx() {
        let said = |policy, hash_on| method(policy, hash_on);
        assert_eq!(said("round_robin", None), Ok(String::new()));
        assert_eq!(said("least_connections", None).unwrap(), "least_conn;");
        assert_eq!(said("ip_hash", None).unwrap(), "ip_hash;");
        assert_eq!(said("ip_hash", Some("header:X-User")).unwrap(), "hash $http_x_user;");
        assert_eq!(
            said("consistent_hash", Some("path")).unwrap(),
            "hash $request_uri consistent;"
        );
        assert_eq!(said("consistent_hash", None).unwrap(), "hash $remote_addr consistent;");
    }

    #[test]
    fn what_it_has_not_is_said_with_the_reason() {
        assert!(method("least_response_time", None).unwrap_err().contains("commercial"));
        assert!(method("maglev", None).unwrap_err().contains("ring"));
        assert!(method("peak_ewma", None).is_err() && method("guess", None).is_err());
        assert!(
            method("ip_hash", Some("header:x;y")).is_err(),
            "no way into the configuration"
        );
    }
}

//! How people reach a hub in earnest: over TLS, at an origin of its own, and signed in by an identity provider.
//!
//! Not here: the provider ([`crate::identity`]). Guards: a hub that was not asked to is as before, on its own machine only.

use super::{HubError, HubUnderTest, REGION};
use crate::identity::{CLIENT, CLIENT_SECRET, IdentityProvider};

/// The file with the secret that the provider knows the hub by.
const SECRET: &str = "oidc.secret";

impl HubUnderTest {
    /// Where it answers people over TLS, as `https://127.0.0.1:PORT`; nothing where it was not [asked to](super::HubOptions::https).
    #[must_use]
    pub fn secure_url(&self) -> Option<String> {
        self.serving.https.map(|at| format!("https://{at}"))
    }

    /// From its next start on, whom an identity provider names can sign in: who is in its group `fleet` is an operator in [`REGION`].
    ///
    /// # Errors
    /// When its files cannot be written.
    pub fn trust(&mut self, provider: &IdentityProvider) -> Result<(), HubError> {
        self.write(SECRET, CLIENT_SECRET)?;
        self.provider = format!(
            "[oidc]\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\nclient_secret_file = \"{SECRET}\"\n\
             [[oidc.role]]\ngroup = \"fleet\"\nrole = \"operator@region:{REGION}\"\n",
            provider.issuer()
        );
        Ok(())
    }

    /// What follows in `[listen]`, and where browsers find it.
    pub(super) fn https_settings(&self) -> String {
        let lines = |at| format!("https = \"{at}\"\n[http]\norigin = \"https://{at}\"\n");
        self.serving.https.map(lines).unwrap_or_default()
    }
}

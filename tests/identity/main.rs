//! Attacks on the identity: each is tried as an ordinary role, beside the legitimate way that works.

mod settings_cannot_be_forged;

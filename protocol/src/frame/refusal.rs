//! How a relay says no.

use minicbor::{
    Decode, Decoder, Encode, Encoder, decode,
    encode::{self, Write},
};

use crate::Cut;

/// The relay refuses what came last, or the session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Refused {
    /// The reason.
    #[n(0)]
    pub code: Refusal,
    /// A text for a log.
    #[n(1)]
    pub text: String,
    /// Where the feed stands, when it forked.
    #[n(2)]
    pub cut: Option<Cut>,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $code:literal $name:ident,)*) => {
        /// Why a relay refuses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
            /// A reason that a newer relay gives.
            Other(u32),
        }

        impl Refusal {
            /// Returns the number on the wire.
            pub fn code(self) -> u32 {
                match self {
                    $(Refusal::$name => $code,)*
                    Refusal::Other(code) => code,
                }
            }

            /// Takes the number on the wire.
            pub fn from_code(code: u32) -> Self {
                match code {
                    $($code => Refusal::$name,)*
                    code => Refusal::Other(code),
                }
            }
        }
    };
}

refusals! {
    /// No session version is spoken by both.
    1 Version,
    /// The key is neither a device nor an open invite of the workspace.
    2 NotAMember,
    /// A signature is false.
    3 Signature,
    /// The workspace is unknown, and may not be created here.
    4 WorkspaceUnknown,
    /// The relay holds another envelope at that sequence.
    5 Fork,
    /// Envelopes are missing before the one that came.
    6 Gap,
    /// The bytes are not what they should be.
    7 Malformed,
    /// Something is beyond its limit.
    8 TooLarge,
    /// The device was revoked.
    9 Revoked,
    /// The invite is used up, ended or expired.
    10 InviteSpent,
    /// The role does not allow it.
    11 RoleForbids,
    /// The workspace has used what this relay grants it.
    12 Quota,
    /// The relay is shutting down.
    13 ShuttingDown,
}

impl<C> Encode<C> for Refusal {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.u32(self.code())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Refusal {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.u32().map(Refusal::from_code)
    }
}

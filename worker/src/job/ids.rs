//! What a job id looks like on the wire.

/// The longest job id, bytes: it is the `message_id` of the result, a short string (AMQP 0-9-1, section 4.2.5.3).
pub(super) const ID_BYTES: usize = 255;

/// Whether a job can have this id: messages have to carry it, and databases to find it.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=ID_BYTES).contains(&id.len()) && !id.contains('\0')
}

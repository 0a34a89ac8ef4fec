/**
 * Limits of sending messages: docs/decisions/notifications/004-calls-to-one-host-are-limited.md.
 */
export const sendingLimits = {
  calls: 200,
  /** A receiver that hangs must leave room for other receivers. */
  callsToOneHost: 40,
  reads: 50,
  /** Between two listings, which find messages of other replicas. */
  listEveryMs: 5_000,
  /** For calls under way at shutdown: a message that is delivered in time is not sent again. */
  lastCallsMs: 3_000,
} as const

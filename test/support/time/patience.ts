/**
 * How many times as long as a quiet machine needs a test waits before it fails: CI runs on slow
 * machines that have other work. A wait ends with its event, so only failures take that long. What
 * promises a time is given a limit of its own (`atMost`).
 */
export const patience = 3

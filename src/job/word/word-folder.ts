/** Names to the worker the folder of the files through which it speaks. */
export const wordVariable = 'JOBFERRY_DIRECTORY'

/** The worker's files there. */
export const wordFiles = { progress: 'progress.json', values: 'values.json', publish: 'publish' } as const

/** Beside them: the exit code of a program that failed and is held (`hold_after_failure_seconds`). */
export const heldFile = 'held'

/** In bytes; a larger file is ignored. */
export const longestFile = { progress: 16 * 1024, values: 64 * 1024 } as const

/** In characters; the rest of a longer message is cut off. */
export const longestMessage = 500

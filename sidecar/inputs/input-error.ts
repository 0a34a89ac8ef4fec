import { KindError } from '../../src/util/errors.ts'

/**
 * The uploader will not get an input, however long it waits. The message begins with the input's
 * source. The kinds are reasons of a job's failure.
 */
export class InputError extends KindError<'InputUnavailable' | 'InputInvalid'> {}

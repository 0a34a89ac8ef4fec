import type { OwnObjects } from '../../../results/own-object.ts'
import { Problem } from '../../../util/errors.ts'

/** Problems that do not say whether the results exist. */
const passing: readonly string[] = ['unavailable', 'internal', 'not-final']

/** Why a job's results, or the named file, can't be read; undefined if they can. */
export async function unreadable(
  objects: Pick<OwnObjects, 'check'>,
  uuid: string,
  file: string | undefined,
): Promise<string | undefined> {
  try {
    await objects.check(uuid, file === undefined ? undefined : Buffer.from(file))
    return undefined
  } catch (error) {
    if (!(error instanceof Problem) || passing.includes(error.code)) throw error
    return error.message
  }
}

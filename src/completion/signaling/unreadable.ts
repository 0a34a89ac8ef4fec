import { Problem } from '../../errors.ts'
import type { OwnObjects } from '../../result/own-object.ts'

/** Problems that say nothing of what there is. */
const passing: readonly string[] = ['unavailable', 'internal', 'not-final']

/** Why whoever came for a job's results, or for that file of them, would find nothing; undefined where they are there. */
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

import { createHash } from 'node:crypto'
import { Halted } from '../store/store-calls.ts'
import { type Buffers, wholeBytes } from './buffers.ts'
import { ChangedWhileRead, checkUnchanged, type Reading } from './upload-context.ts'

/**
 * The hex SHA-256 of a file's bytes. Rejects with ChangedWhileRead, Halted and errors of reading.
 */
export async function digestFile(reading: Reading, buffers: Buffers, halted: AbortSignal): Promise<string> {
  const size = Number(reading.stat.size)
  const digest = createHash('sha256')
  for (let start = 0; start < size; start += wholeBytes) {
    await buffers.useFor(Math.min(wholeBytes, size - start), async (buffer) => {
      // Checked here, since this file may have waited behind hundreds for a buffer.
      if (halted.aborted) throw new Halted('reading a file')
      if (!(await reading.file.fill(buffer, start))) throw new ChangedWhileRead()
      digest.update(buffer)
    })
  }
  checkUnchanged(reading)
  return digest.digest('hex')
}

import { hash } from 'node:crypto'
import { ChangedWhileRead, checkUnchanged, type Reading, type Sending, type Stored } from './send.ts'

/**
 * Sends a file that fits into one buffer: nothing reaches the store unless it was read unchanged. Bytes of
 * `known`'s digest, which the store has, are not sent again. Throws ChangedWhileRead, Halted, StoreError and what
 * reading gives.
 */
export function sendWhole(
  reading: Reading,
  key: string,
  known: Stored | undefined,
  { buffers, calls, store, isAhead }: Sending,
): Promise<Stored> {
  const send = async (buffer: Buffer) => {
    if (!(await reading.file.fill(buffer, 0))) throw new ChangedWhileRead()
    checkUnchanged(reading)
    const sha256 = hash('sha256', buffer, 'hex')
    if (known?.sha256 === sha256) return known
    const { turns } = buffers
    const { etag } = await turns.take(() =>
      calls.run(`storing ${reading.name}`, (signal) => turns.timed(() => store.put(key, buffer, signal))),
    )
    return { sha256, etag }
  }
  return buffers.useFor(Number(reading.stat.size), send, isAhead)
}

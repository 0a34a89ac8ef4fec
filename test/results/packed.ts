import { buffer } from 'node:stream/consumers'
import { Pack, packBytes } from '../../sidecar/pack/pack.ts'
import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import { packKey } from '../../src/result-format/file-keys.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { tarHeader } from '../../src/result-format/tar-header.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { attempt, job } from '../result-format/fixtures.ts'

/** The storage layouts of an attempt's files; both must give the same answers. */
export const layouts = ['files', 'packed'] as const

/** Moves files of up to 1 MiB into packs, in the given order; resolves with the new entries. */
export async function packed(store: ArtifactStore, entries: readonly Entry[]): Promise<Entry[]> {
  const moved: Entry[] = []
  const members: Entry[] = []
  const memory = Buffer.alloc(packBytes, 'x')
  let pack = new Pack(memory)
  let packs = 0
  const seal = async () => {
    const key = packKey('0123abcd', ++packs)
    const { etag } = await store.put(jobKeys.file(job, attempt, key), Buffer.from(pack.finish()))
    for (const member of members.splice(0)) Object.assign(member, { key, etag })
    pack = new Pack(memory)
  }
  for (const entry of entries) {
    const { type, key, size = 0 } = entry
    const one = { ...entry }
    moved.push(one)
    if (type !== 'file' || key === undefined || size > 1024 * 1024) continue
    const object = jobKeys.file(job, attempt, key)
    const content = await buffer((await store.get(object)).stream)
    await store.remove([object])
    const mtime = { seconds: 1e9, nanoseconds: 0 }
    const header = tarHeader({ path: pathBytes(entry), type, size, mode: 0o644, mtime })
    if (!pack.hasRoomFor(header, size)) await seal()
    content.copy(pack.roomFor(header, size))
    one.offset = pack.add(header, size)
    members.push(one)
  }
  if (members.length > 0) await seal()
  return moved
}

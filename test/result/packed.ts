import { buffer } from 'node:stream/consumers'
import { Pack, packBytes } from '../../sidecar/pack/pack.ts'
import { type Entry, pathBytes } from '../../src/artifact/entry.ts'
import { packKey } from '../../src/artifact/keys.ts'
import { layout } from '../../src/artifact/layout.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { tarHeader } from '../../src/artifact/tar-header.ts'
import { attempt, job } from '../artifact/fixtures.ts'

/** How an attempt's files lie in the store: what is read must be the same. */
export const layouts = ['files', 'packed'] as const

/** Moves files of up to a mebibyte into packs, in the order of their paths; gives the entries as they are then. */
export async function packed(store: ArtifactStore, entries: readonly Entry[]): Promise<Entry[]> {
  const moved: Entry[] = []
  const members: Entry[] = []
  let pack = new Pack(Buffer.alloc(packBytes, 'x'))
  let packs = 0
  const seal = async () => {
    const key = packKey('0123abcd', ++packs)
    const { etag } = await store.put(layout.file(job, attempt, key), Buffer.from(pack.finish()))
    for (const member of members.splice(0)) Object.assign(member, { key, etag })
    pack = new Pack(Buffer.alloc(packBytes, 'x'))
  }
  for (const entry of entries) {
    const { type, key, size = 0 } = entry
    const one = { ...entry }
    moved.push(one)
    if (type !== 'file' || key === undefined || size > 1024 * 1024) continue
    const object = layout.file(job, attempt, key)
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

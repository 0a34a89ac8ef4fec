import { type Joined, keysInUse } from '../known/join.ts'
import type { KnownLine } from '../known/line.ts'
import type { Packer } from '../pack/packer.ts'
import type { BytePath } from '../scan/byte-path.ts'
import type { OpenFile } from '../scan/open-file.ts'
import type { FileOptions } from '../upload/send-file.ts'
import { type Chooses, type Finding, lineFor } from './line-for.ts'
import type { Place } from './window.ts'

/** A finding that holds no file open takes less of the window: so many are one file. */
const findingsPerFile = 32
const light: Place = { weight: 1 / findingsPerFile }

/** A finding, which may be to come, and its place in the window. */
export interface BegunLine {
  finding: Finding | Promise<Finding>
  place: Place
}

/** Brings a file's bytes into the store; as sendFile(), whose last argument it knows. */
export type FileSender = (
  path: BytePath,
  file: OpenFile,
  known: KnownLine | undefined,
  options: FileOptions,
) => Promise<KnownLine | undefined>

export interface How {
  send: FileSender
  packer: Packer | undefined
  chooses: Chooses | undefined
  /** Settles when the pass is left, whatever is under way. */
  left: Promise<void>
}

/**
 * Begins what a path needs to become a line of the journal: a small file is put into the open pack, where there is a
 * packer, any other is sent by itself. Resolves when the next path may follow.
 */
export async function beginLine(
  joined: Joined,
  options: Omit<FileOptions, 'keysInUse'>,
  { send: sendFile, packer, chooses, left }: How,
): Promise<BegunLine> {
  let packed = false
  const begin = (file: OpenFile, base: KnownLine | undefined) => {
    const send = () => sendFile(joined.path, file, base, { ...options, keysInUse: keysInUse(joined) })
    if (!packer?.packs(file)) return send()
    packed = true
    return packer.pack(joined.path, file, base, send)
  }
  const finding = lineFor(joined, options.final, begin, chooses)
  if (!(finding instanceof Promise)) return { finding, place: light }
  if (!packed || packer === undefined) return { finding, place: { weight: 1 } }
  await Promise.race([packer.ready(), left])
  return { finding, place: { ...light, onAwaited: packer.sealer() } }
}

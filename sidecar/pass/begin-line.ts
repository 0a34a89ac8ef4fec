import { type Joined, keysInUse } from '../known/join.ts'
import { isGone, type KnownLine } from '../known/line.ts'
import type { OpenPack } from '../pack/open-pack.ts'
import type { Packer } from '../pack/packer.ts'
import type { BytePath } from '../scan/byte-path.ts'
import type { OpenFile } from '../scan/open-file.ts'
import type { FileOptions } from '../upload/send-file.ts'
import { type Chooses, type Finding, lineFor } from './line-for.ts'
import { orLeft } from './or-left.ts'
import type { Pending, Place } from './window.ts'

/** A finding that holds no file open takes less of the window: so many are one file. */
const findingsPerFile = 32
const light: Place = { weight: 1 / findingsPerFile }

/** A finding, which may be to come, by itself or with others, and its place in the window. */
export type BegunLine =
  | { finding: Finding; place: Place }
  | { coming: Promise<Finding>; place: Place }
  | { pending: Pending<Finding>; place: Place }

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
  /** Is given each finding once, as soon as it is there. */
  counted: (finding: Finding) => Finding
  /** Aborted when the pass is left, whatever is under way. */
  left: AbortSignal
}

/**
 * Begins what a path needs to become a line of the journal: a small file is put into the open pack, where there is a
 * packer, any other is sent by itself. Resolves when the next path may follow.
 */
export async function beginLine(
  joined: Joined,
  options: Omit<FileOptions, 'keysInUse'>,
  { send: sendFile, packer, chooses, counted, left }: How,
): Promise<BegunLine> {
  let isPacked = false
  let pack: OpenPack | undefined
  const begin = (file: OpenFile, base: KnownLine | undefined) => {
    const send = () => sendFile(joined.path, file, base, { ...options, keysInUse: keysInUse(joined) })
    if (!packer?.packs(file)) return send()
    isPacked = true
    return packer.pack(joined.path, file, base, send).then((packed) => {
      pack = packed.pack
      return packed.line
    })
  }
  const finding = lineFor(joined, options.final, begin, chooses)
  if (!(finding instanceof Promise)) return { finding, place: light }
  if (!isPacked || packer === undefined) return { coming: finding, place: { weight: 1 } }
  const read = await orLeft(finding, left)
  if (pack === undefined || read === undefined || read === 'halted' || isGone(read)) {
    return { finding: read, place: light }
  }
  return pendingIn(pack, read, packer, counted)
}

/** Keeps hold of nothing but the line: thousands wait for their pack. */
function pendingIn(pack: OpenPack, line: KnownLine, packer: Packer, counted: How['counted']): BegunLine {
  const done = () => {
    const result = pack.lineOf(line)
    return result === undefined ? undefined : { result: counted(result) }
  }
  return {
    pending: { ended: pack.ended, done },
    place: { ...light, onAwaited: () => packer.seal(pack) },
  }
}

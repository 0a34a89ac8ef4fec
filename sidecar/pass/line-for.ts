import { type Entry, pathFields } from '../../src/artifact/entry.ts'
import { messageOf } from '../../src/errors.ts'
import type { Joined } from '../known/join.ts'
import { isGone, type JournalLine, type KnownLine } from '../known/line.ts'
import { toBytes } from '../scan/byte-path.ts'
import { entryOf, fingerprint } from '../scan/entry-of.ts'
import type { Found } from '../scan/found.ts'
import { type OpenFile, openFound } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'

/** What a scan has to say about a path: undefined is nothing, `halted` that it was kept from finding out. */
export type Finding = JournalLine | undefined | 'halted'

/** Brings a file into the store (upload/send-file.ts); undefined for one that is left to the next scan. */
export type Send = (file: OpenFile, known: KnownLine | undefined) => Promise<KnownLine | undefined>

/** Whether a file is to be opened and sent now; else it stays as it is known (pass.ts: Choosing). */
export type Chooses = (found: FoundFile, known: KnownLine | undefined) => boolean
export type FoundFile = Found & { type: 'file' }

/**
 * The journal's line for a path: at once, except where a file has to be read. The file is opened before this
 * returns, while its directory is open. The promise never rejects.
 */
export function lineFor(
  joined: Joined,
  final: boolean,
  send: Send,
  chooses: Chooses | undefined,
): Finding | Promise<Finding> {
  const base = baseOf(joined)
  try {
    const found = joined.found
    if (found?.type !== 'file') return lineWithoutFile(joined, found)
    if (chooses !== undefined) {
      if (!chooses(found, base)) return lineUnchosen(joined, base)
    } else if (isSame(found, base, final)) return marked(base, joined)
    const opened = openFound(found)
    if ('instead' in opened) return lineWithoutFile(joined, opened.instead)
    return sent(opened.file, base, joined, send)
  } catch (error) {
    return failed(error, joined)
  }
}

/** What holds of a path: of an interrupted scan that is more than the checkpoints say, its object replaced theirs. */
function baseOf({ known, recovered }: Joined): KnownLine | undefined {
  if (recovered === undefined) return known
  return isGone(recovered) ? undefined : recovered
}

function isSame(found: FoundFile, base: KnownLine | undefined, final: boolean): base is KnownLine {
  if (base?.fingerprint !== fingerprint(found.stat)) return false
  return !(final && base.verify)
}

/** A file that is left alone for now is what is known of it: another version, or nothing. */
function lineUnchosen(joined: Joined, base: KnownLine | undefined): JournalLine | undefined {
  return base?.entry.type === 'file' ? marked(base, joined) : lineWithoutFile(joined, undefined)
}

function lineWithoutFile(joined: Joined, found: Found | undefined): JournalLine | undefined {
  if (found !== undefined) return marked({ entry: entryOf(found) }, joined)
  if (joined.known === undefined && joined.recovered === undefined) return undefined
  return { gone: { ...pathFields(toBytes(joined.path)), removed: true } }
}

async function sent(
  file: OpenFile,
  base: KnownLine | undefined,
  joined: Joined,
  send: Send,
): Promise<Finding> {
  try {
    const line = (await send(file, base)) ?? base
    return line === undefined ? undefined : marked(line, joined)
  } catch (error) {
    return failed(error, joined)
  } finally {
    file.close()
  }
}

/** Notes whether checkpoints say this of the path already; what an interrupted scan told them is told again. */
function marked(line: KnownLine, { known, recovered }: Joined): KnownLine {
  const { changed: _c, held: _h, ...rest } = line
  return recovered === undefined && known !== undefined && isEqual(known.entry, line.entry)
    ? rest
    : { ...rest, changed: true }
}

function isEqual(a: Entry, b: Entry): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** One file must not keep the others out, whatever is wrong with it. */
function failed(error: unknown, { path }: Joined): Finding {
  if (error instanceof Halted) return 'halted'
  return { entry: { ...pathFields(toBytes(path)), type: 'file', error: messageOf(error) }, changed: true }
}

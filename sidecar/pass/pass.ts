import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Packing, ResultLayout } from '../../src/artifact/result-layout.ts'
import { type Joined, join } from '../known/join.ts'
import type { Journals } from '../known/journals.ts'
import { isGone } from '../known/line.ts'
import { Packer } from '../pack/packer.ts'
import { packsNow } from '../pack/packs-now.ts'
import type { Progress } from '../progress/progress.ts'
import { Directory } from '../scan/directory.ts'
import { codeOf, type Found } from '../scan/found.ts'
import { isMemory } from '../scan/is-memory.ts'
import { walk } from '../scan/walk.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import type { Sending } from '../upload/send.ts'
import { type FileOptions, sendFile } from '../upload/send-file.ts'
import { beginLine, type FileSender, type How } from './begin-line.ts'
import { Ledger, type LedgerContext } from './ledger.ts'
import type { Chooses, Finding } from './line-for.ts'
import { Window } from './window.ts'

export interface PassContext extends LedgerContext, Sending {
  journals: Journals
  calls: StoreCalls
  resultLayout: ResultLayout
  packing: Packing
}

export interface PassOptions {
  /** The worker has ended: every name becomes an entry. Else files that change meanwhile are left to the next pass. */
  final: boolean
  /** When aborted, no further names are looked at; what is under way is finished. */
  enough: AbortSignal
  /** Is given the ledger when the pass begins. */
  onBegin: (ledger: Ledger) => void
  /** How files are sent, where not by this context. */
  sending?: SendingOfPass
  /** The worker is not to notice: see Choosing. */
  choosing?: Choosing
}

export interface SendingOfPass {
  send: FileSender
  packs: Sending
}

/**
 * Of a pass that sends only some of the files, the others stay as they are known. With `enough` it ends at once: what
 * is being sent then is left to whoever gave `send`, and the journal says nothing of it.
 */
export interface Choosing {
  chooses: Chooses
  /** Findings that wait for a slow one before them; an open file that its worker removes keeps its room. */
  atOnce: number
}

/** So many files are sent at once or wait, open, for a slow one before them. */
const windowSize = 256

/**
 * One pass over the result directory: finds what is there, brings into the store what isn't there yet, and writes
 * the findings into the ledger, in order. Resolves with whether it was complete: neither `enough` nor a halt of the
 * store calls came before its end. Rejects where the directory or the state directory can't be used at all.
 */
export async function runPass(
  context: PassContext,
  options: PassOptions,
): Promise<{ ledger: Ledger; complete: boolean }> {
  const scanStartedAt = new Date()
  const { journal, known, recovered } = context.journals.begin()
  using _journal = journal
  using _known = known
  using _recovered = recovered
  const ledger = new Ledger(context, journal, scanStartedAt)
  context.progress.begin()
  options.onBegin(ledger)

  using root = openRoot(context.resultDirectory)
  const fileOptions: Omit<FileOptions, 'keysInUse'> = {
    job: context.job,
    attempt: context.attempt,
    final: options.final,
    timesCanBeTrusted: root.directory !== undefined && !isMemory(context.resultDirectory),
  }
  const packer = await packerFor(context, options, root.directory, fileOptions)
  const { choosing, sending = sendingBy(context) } = options
  let complete = true
  const window = new Window<Finding>(choosing?.atOnce ?? windowSize, (finding) => {
    if (finding === 'halted') complete = false
    else if (finding !== undefined) ledger.append(finding)
  })
  const leave = () => {
    complete = false
    window.leave()
  }
  if (choosing !== undefined) options.enough.addEventListener('abort', leave, { once: true })
  const how = {
    send: sending.send,
    packer,
    chooses: choosing?.chooses,
    counted: counting(context.progress),
    left: window.left,
  }
  const isEnough = () => options.enough.aborted || context.calls.halted.aborted
  try {
    const names = join(root.scan, known, recovered)
    if (!(await beginAll(names, fileOptions, how, window, isEnough))) complete = false
  } finally {
    if (window.left.aborted) packer?.drop()
    else packer?.seal()
    await window.drain()
    options.enough.removeEventListener('abort', leave)
    journal.flush()
  }
  return { ledger, complete }
}

async function packerFor(
  context: PassContext,
  { enough, sending }: PassOptions,
  directory: Directory | undefined,
  fileOptions: Omit<FileOptions, 'keysInUse'>,
): Promise<Packer | undefined> {
  const { resultLayout, packing } = context
  const packs = await packsNow(resultLayout, packing, directory, enough)
  return packs ? new Packer(sending?.packs ?? context, fileOptions, packing.fileBytes) : undefined
}

/** Begins a line for each path; false where it was enough before the last. */
async function beginAll(
  paths: Iterable<Joined>,
  fileOptions: Omit<FileOptions, 'keysInUse'>,
  how: How,
  window: Window<Finding>,
  isEnough: () => boolean,
): Promise<boolean> {
  let looked = 0
  for (const joined of paths) {
    if (isEnough()) return false
    const begun = await beginLine(joined, fileOptions, how)
    if ('coming' in begun) await window.add(begun.coming.then(how.counted), begun.place)
    else if ('pending' in begun) await window.addPending(begun.pending, begun.place)
    else await window.addResult(how.counted(begun.finding), begun.place.weight)
    looked += 1
    if (looked % namesPerTurn === 0) await nextTurn()
  }
  return true
}

function counting(progress: Progress): How['counted'] {
  return (finding) => {
    if (typeof finding === 'object' && !isGone(finding) && finding.entry.type === 'file')
      progress.fileDone(finding.entry.size ?? 0)
    return finding
  }
}

/** Looking is synchronous: signals and the endpoint get their turn in between. */
const namesPerTurn = 64

function sendingBy(context: Sending): SendingOfPass {
  return { send: (...args) => sendFile(...args, context), packs: context }
}

interface Root extends Disposable {
  directory: Directory | undefined
  scan: Iterable<Found>
}

/** A worker outside a container may have removed its result directory: then there are no results. */
function openRoot(path: string): Root {
  try {
    const directory = Directory.open(path)
    return { directory, scan: walk(directory), [Symbol.dispose]: () => directory.close() }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return { directory: undefined, scan: [], [Symbol.dispose]: () => undefined }
  }
}

import { entryPathBytes } from '../results/entry-path.ts'
import type { Entry } from '../types.ts'
import { Batch, fetchBatch } from './batch.ts'
import { AlteredBytes, isPresent, type Task, tasksOf } from './fetch-file.ts'
import type { Linked, MadeFolder } from './finish-folder.ts'
import type { Downloaded } from './options.ts'
import { type PlacedEntry, readList } from './result-list.ts'
import { secondsOf } from './times.ts'
import type { Fetching, WantedFile } from './wanted-file.ts'

/** Entries that are finished once all files are there. */
export interface Kinds {
  folders: MadeFolder[]
  links: Linked[]
}

/**
 * The tasks that fetch the files of a folder's list, except those that are there; makes the folders
 * on the way. Entries that can't be fetched are listed in `done`; `report` is called after each file.
 */
export async function* planTasks(
  fetching: Fetching,
  { folders, links }: Kinds,
  done: Downloaded,
  report: () => void,
): AsyncGenerator<Task> {
  const batch = new Batch()
  const finish = () => {
    done.files += 1
    report()
  }
  for await (const entry of readList(fetching.folder)) {
    const file = wantedFile(entry)
    if (entry.type === 'directory') {
      await fetching.folder.makeFolder(file.place)
      folders.push({ ...file, mode: modeOf(entry, 0o755) })
    } else if (entry.type === 'symlink') links.push({ place: file.place, entry })
    else {
      const problem = problemOf(entry)
      if (problem !== undefined) {
        done.absent.push({ path: file.path.toString(), ...problem })
        continue
      }
      await fetching.folder.makeParent(file.place)
      if (await isPresent(fetching.folder, file)) {
        done.kept += 1
        done.bytes += file.size
        finish()
      } else if (!Batch.takes(file)) yield* tasksOfFile(fetching, file, done, finish)
      else {
        batch.add(file)
        if (batch.isFull) yield batchTask(fetching, batch.take(), done, finish)
      }
    }
  }
  yield batchTask(fetching, batch.take(), done, finish)
}

function batchTask(fetching: Fetching, files: WantedFile[], done: Downloaded, finish: () => void): Task {
  return async () => {
    for (const file of await fetchBatch(fetching, files, finish)) {
      for await (const task of tasksOfFile(fetching, file, done, finish)) await task()
    }
  }
}

async function* tasksOfFile(
  fetching: Fetching,
  file: WantedFile,
  done: Downloaded,
  finish: () => void,
): AsyncGenerator<Task> {
  for (const task of await tasksOf(fetching, file, finish)) {
    yield async () => {
      try {
        await task()
      } catch (error) {
        if (!(error instanceof AlteredBytes)) throw error
        const problem = 'came twice with another SHA-256 than the result names'
        done.absent.push({ path: file.path.toString(), kind: 'damaged', problem })
      }
    }
  }
}

function wantedFile(entry: PlacedEntry): WantedFile {
  const path = entryPathBytes(entry)
  const place = entry.as_base64 === undefined ? path : Buffer.from(entry.as_base64, 'base64')
  const { size = 0, sha256 = '' } = entry
  return { path, place, size, sha256, mode: modeOf(entry, 0o644), mtime: secondsOf(entry.mtime) }
}

function problemOf(entry: Entry): Omit<Downloaded['absent'][number], 'path'> | undefined {
  if (entry.type === 'skipped') return { kind: 'skipped', problem: 'is a socket, FIFO or device' }
  if (entry.damage !== undefined) return { kind: 'damaged', problem: entry.damage }
  if (entry.error !== undefined) return { kind: 'missing', problem: entry.error }
  return entry.sha256 === undefined ? { kind: 'missing', problem: 'is not stored' } : undefined
}

/** The permission bits alone: with set-user-ID a worker could act as the reader. */
function modeOf({ mode }: Entry, otherwise: number): number {
  return mode === undefined ? otherwise : Number.parseInt(mode, 8) & 0o777
}

import { join } from 'node:path'
import type { LoggedContainer } from '../../../job/backend.ts'

/** The paths of a job on this machine's disk. */
export interface JobFolders {
  /** Holds the folders of all jobs. */
  directory: string
  root: string
  record: string
}

export interface AttemptFolders {
  root: string
  /** The worker's current directory. */
  work: string
  /** RESULT_DIRECTORY */
  result: string
  /** INPUT_DIRECTORY */
  input: string
  /** STATE_DIRECTORY of the uploader. */
  state: string
  /** JOBFERRY_DIRECTORY */
  word: string
  /** SCRATCH_DIRECTORY of a job's steps. */
  scratch: string
  workerLog: string
  supervisorLog: string
  uploaderLog: string
  terminationMessage: string
}

export function jobFolders(directory: string, uuid: string): JobFolders {
  const root = join(directory, uuid)
  return { directory, root, record: join(root, 'job.json') }
}

export function attemptFolders(directory: string, uuid: string, attempt: string): AttemptFolders {
  const root = join(directory, uuid, attempt)
  return {
    root,
    work: join(root, 'work'),
    result: join(root, 'result'),
    input: join(root, 'input'),
    state: join(root, 'state'),
    word: join(root, 'word'),
    scratch: join(root, 'scratch'),
    workerLog: join(root, 'worker.log'),
    supervisorLog: join(root, 'supervisor.log'),
    uploaderLog: join(root, 'uploader.log'),
    terminationMessage: join(root, 'termination-message'),
  }
}

/** The file of a container's log. */
export function logFileOf(folders: AttemptFolders, { container, step }: LoggedContainer): string {
  if (container === 'uploader') return folders.uploaderLog
  return step === undefined ? folders.workerLog : join(folders.root, `step-${step}.log`)
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** True if a name in the backend's directory is a job's folder. */
export function isJobFolder(name: string): boolean {
  return uuidPattern.test(name)
}

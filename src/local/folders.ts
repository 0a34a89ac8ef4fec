import { join } from 'node:path'

/** Where everything of a job lies on this machine's disk. */
export interface JobFolders {
  /** The backend's, of all jobs. */
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
  workerLog: string
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
    workerLog: join(root, 'worker.log'),
    uploaderLog: join(root, 'uploader.log'),
    terminationMessage: join(root, 'termination-message'),
  }
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether a name in the backend's directory is a job's folder. */
export function isJobFolder(name: string): boolean {
  return uuidPattern.test(name)
}

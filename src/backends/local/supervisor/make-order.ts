import { uploaderVariables } from '../../../job/uploader-variables.ts'
import { defined } from '../../../util/objects.ts'
import { type AttemptFolders, jobFolders } from '../files/job-folders.ts'
import { uploaderEnvironment } from '../process/child-environment.ts'
import type { LocalAttemptRecord, LocalJobRecord } from '../record/local-job-record.ts'
import type { RunContext } from '../run/run-context.ts'
import { makeSteps } from './make-steps.ts'
import type { SupervisorOrder } from './order.ts'

/** All that the supervisor of an attempt needs. */
export function makeOrder(
  context: RunContext,
  record: LocalJobRecord,
  attempt: LocalAttemptRecord,
  folders: AttemptFolders,
): SupervisorOrder {
  const { uuid, request } = record
  return {
    job: uuid,
    attempt,
    jobFolders: jobFolders(context.directory, uuid),
    folders,
    steps: makeSteps(context.base, record, attempt.uid, folders),
    uploader: {
      command: context.uploaderCommand,
      env: uploaderEnvironment(context.base, process.env, {
        attempt: attempt.uid,
        folders,
        variables: uploaderVariables(
          { uuid, request, inputsSha256: record.inputsSha256, restart: record.restart },
          {
            ...{ results: folders.result, inputs: folders.input, state: folders.state, word: folders.word },
            secrets: context.secretsDirectory,
          },
          context,
        ),
        store: context.store,
        credentialsDirectory: context.credentialsDirectory,
      }),
    },
    ...defined({ timeoutSeconds: request.timeout_seconds }),
    stopGraceSeconds: request.stop_grace_seconds,
    uploadTimeoutSeconds: request.upload_timeout_seconds,
  }
}

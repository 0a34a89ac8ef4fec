import { join } from 'node:path'
import { type EffectiveStep, stepsOf } from '../../../job/steps/effective-steps.ts'
import { reusedSteps } from '../../../job/steps/restart.ts'
import { scratchVariable } from '../../../job/steps/step-conflicts.ts'
import { shellCommand } from '../../../job/steps/step-shell.ts'
import { defined } from '../../../util/objects.ts'
import { type AttemptFolders, logFileOf } from '../files/job-folders.ts'
import { workerEnvironment } from '../process/child-environment.ts'
import type { LocalJobRecord } from '../record/local-job-record.ts'
import type { StepProgram } from './order.ts'

/** The programs of an attempt in their order: its steps, or the worker of a job without steps. Reused steps are none. */
export function makeSteps(
  base: Record<string, string>,
  record: LocalJobRecord,
  attempt: string,
  folders: AttemptFolders,
): StepProgram[] {
  const { request, environment, stepEnvironments = [] } = record
  const envOf = (own: Record<string, string> = {}) =>
    workerEnvironment(base, { ...environment, ...own }, attempt, folders)
  const steps = stepsOf(request)
  if (steps.length === 0) {
    const { command = [], args = [] } = request
    return [{ command: [...command, ...args], env: envOf(), logFile: folders.workerLog }]
  }
  const programs = steps.map((step, index) => ({
    name: step.name,
    ...programOf(step, index, folders),
    env: { ...envOf(stepEnvironments[index]), [scratchVariable]: folders.scratch },
    logFile: logFileOf(folders, { container: 'worker', step: step.name }),
    ...defined({ timeoutSeconds: step.timeout_seconds }),
  }))
  return programs.slice(reusedSteps(request.steps, record.restart))
}

function programOf(step: EffectiveStep, index: number, folders: AttemptFolders) {
  const message = join(folders.root, `step-${index}.message`)
  const shell = shellCommand(step, {
    resultDirectory: folders.result,
    pipes: join(folders.scratch, `.step-${index}`),
    terminationMessage: message,
    signalsReachAll: true,
  })
  const { command = [], args = [] } = step
  return { command: shell ?? [...command, ...args], ...(step.ignore_error && { message }) }
}

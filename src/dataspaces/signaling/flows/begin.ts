import { isFinal } from '../../../job/job.ts'
import type { Jobs } from '../../../lifecycle/jobs.ts'
import type { JobEnds } from '../../../notifications/job-ends.ts'
import type { OwnObjects } from '../../../results/own-object.ts'
import { invalid, Problem } from '../../../util/errors.ts'
import { defined } from '../../../util/objects.ts'
import { beginDatasetJob, type DatasetJobParts, datasetRequest } from '../../datasets/dataset-request.ts'
import type { Dataset, Datasets } from '../../datasets/datasets.ts'
import type { Answers } from '../answers.ts'
import type { Called } from '../control-planes/control-plane-of.ts'
import { type BeginMessage, parseBegin } from '../signaling-messages.ts'
import type { SignalingSettings } from '../signaling-settings.ts'
import { type Flow, type FlowData, flowKey } from './flow.ts'
import { transition } from './flow-states.ts'
import type { Flows } from './flows.ts'
import { newFlow, requestDigest } from './new-flow.ts'
import { unreadable } from './unreadable.ts'

/** The kind of consumer (JobEnds) under which a flow waits for its job. */
export const flowConsumerKind = 'dataflow'

export interface BeginParts extends DatasetJobParts {
  flows: Flows
  jobs: Pick<Jobs, 'beginDeployment' | 'get'>
  datasets: Pick<Datasets, 'find'>
  jobEnds: Pick<JobEnds, 'add'>
  /** Rejects with a Problem if the job's results, or the named file, can't be read. */
  objects: Pick<OwnObjects, 'check'>
  settings: Pick<SignalingSettings, 'profiles' | 'participantId'>
  controlPlane(flow: Pick<Flow, 'callback_address' | 'control_plane'>): Promise<Called | undefined>
  /** True if the answer to the flow's request is known to have been sent. */
  answers: Pick<Answers, 'wasSent'>
  /** Why an address may not be called; undefined if it may. */
  refuses(url: string): string | undefined
}

/**
 * Begins a flow by a DataFlowStartMessage or DataFlowPrepareMessage, or starts a prepared flow. The
 * job is made first, under an idempotency key derived from the process id; then writing the flow's
 * record decides between two concurrent requests. After a crash between the two steps a repeated
 * request continues. Rejects with a Problem.
 */
export async function beginFlow(
  parts: BeginParts,
  kind: 'start' | 'prepare',
  body: unknown,
  controlPlane: string | undefined,
): Promise<Flow> {
  const message = parseBegin(body)
  checkMessage(parts, message)
  const { processId: id } = message
  if ((await parts.flows.read(id)) !== undefined) return await again(parts, kind, message)
  const dataset = parts.datasets.find(message.datasetId)
  if (dataset === undefined)
    throw invalid('datasetId', 'is unknown', 'the id of a dataset that is configured here')
  const base = newFlow(message, controlPlane, parts.settings.participantId)
  const canTell = (await parts.controlPlane(base)) !== undefined
  if (dataset.source.kind === 'job' && !canTell) throw noControlPlane()
  const { data, ready } = await dataOf(parts, id, dataset, controlPlane)
  if (!ready && !canTell) throw noControlPlane()
  const next = transition('INITIALIZED', kind, { dataReady: ready })
  if (typeof next === 'string') throw new Problem('conflict', `A data flow can not begin with ${kind}`)
  const flow: Flow = { ...base, state: next.to, by: kind, data }
  return (await parts.flows.create(flow)) ? flow : await again(parts, kind, message)
}

function checkMessage({ settings, refuses }: BeginParts, message: BeginMessage): void {
  if (!settings.profiles.includes(message.profile)) {
    const field = message.earlier ? 'transferType' : 'profile'
    throw invalid(field, 'is not supported', `one of ${settings.profiles.join(', ')}`)
  }
  if (message.dataAddress !== undefined) {
    throw invalid('dataAddress', 'is given for a pull transfer', 'no dataAddress: this data plane gives it')
  }
  const refused = message.callbackAddress === undefined ? undefined : refuses(message.callbackAddress)
  if (refused !== undefined) throw invalid('callbackAddress', 'is not allowed', refused)
}

/**
 * An existing flow can only be started from PREPARED. The message that began it is answered again
 * if its answer was never sent.
 */
async function again(parts: BeginParts, kind: 'start' | 'prepare', message: BeginMessage): Promise<Flow> {
  const { processId: id, datasetId } = message
  let began = false
  const flow = await parts.flows.change(id, (current) => {
    const next = transition(current.state, kind, { dataReady: true, by: current.by })
    began = typeof next === 'object' && current.dataset_id === datasetId
    if (!began || typeof next !== 'object') return undefined
    return { ...current, state: next.to, by: kind, request_sha256: requestDigest(message) }
  })
  if (flow !== undefined && (began || (await isUnanswered(parts, kind, message, flow)))) return flow
  throw exists(id, flow)
}

async function isUnanswered(
  { answers }: BeginParts,
  kind: 'start' | 'prepare',
  message: BeginMessage,
  { id, state, by, request_sha256 }: Flow,
): Promise<boolean> {
  const states = kind === 'start' ? ['STARTING', 'STARTED'] : ['PREPARING', 'PREPARED']
  if (request_sha256 !== requestDigest(message) || !states.includes(state)) return false
  return (by === kind || by === 'ready') && !(await answers.wasSent(id))
}

/** The flow's data; `ready` if it exists already. Deploys the dataset's job if it has one. */
async function dataOf(
  parts: BeginParts,
  id: string,
  dataset: Dataset,
  by: string | undefined,
): Promise<{ data: FlowData; ready: boolean }> {
  const { source, file, format, remove } = dataset
  const data = { format, remove, ...defined({ file }) }
  const waiting = { kind: flowConsumerKind, id: flowKey(id), data: { flow: id } }
  if (source.kind === 'results') {
    const { uuid } = source
    let ready = await hasResults(parts, uuid, file)
    if (!ready) {
      await parts.jobEnds.add(uuid, waiting)
      ready = await hasResults(parts, uuid, file)
    }
    return { data: { ...data, uuid, made: false }, ready }
  }
  const { request, asked } = await datasetRequest(source, parts)
  const deployment = await beginDatasetJob(parts.jobs, `dataflow ${id}`, by)
  try {
    await parts.jobEnds.add(deployment.uuid, waiting)
  } catch (error) {
    await deployment.abandon()
    throw error
  }
  const { job_uuid: uuid } = await deployment.deploy(request, undefined, asked)
  return { data: { ...data, uuid, made: true }, ready: false }
}

/** Rejects with a Problem if such results do not exist and never will. */
async function hasResults(
  { jobs, objects }: BeginParts,
  uuid: string,
  file: string | undefined,
): Promise<boolean> {
  const job = await jobs.get(uuid)
  if (job !== undefined && !isFinal(job.state)) return false
  const missing = await unreadable(objects, uuid, file)
  if (missing === undefined) return true
  throw invalid('datasetId', `refers to data that do not exist (${missing})`, 'a dataset that has data')
}

function exists(id: string, flow?: Flow): Problem {
  const state = flow === undefined ? '' : ` and is ${flow.state}`
  return new Problem('conflict', `A data flow for the process ${id} exists already${state}`)
}

function noControlPlane(): Problem {
  return invalid(
    'callbackAddress',
    'is missing',
    'an address, or a registered or configured control plane, so that it can be notified of the data flow',
  )
}

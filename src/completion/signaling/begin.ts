import { invalid, Problem } from '../../errors.ts'
import { isFinal } from '../../job/job.ts'
import type { ConfiguredJob } from '../../job/request-schema.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import type { OwnObjects } from '../../result/own-object.ts'
import { datasetRequest } from '../datasets/dataset-request.ts'
import type { Dataset, Datasets } from '../datasets/datasets.ts'
import type { JobEnds } from '../job-ends.ts'
import type { Answers } from './answers.ts'
import type { Called } from './control-plane-of.ts'
import { type Flow, type FlowData, flowKey } from './flow.ts'
import type { Flows } from './flows.ts'
import { type BeginMessage, parseBegin } from './messages.ts'
import { newFlow, requestDigest } from './new-flow.ts'
import type { SignalingSettings } from './settings.ts'
import { transition } from './states.ts'
import { unreadable } from './unreadable.ts'

/** The kind under which a job knows the flow that waits for it. */
export const consumerKind = 'dataflow'

export interface BeginParts {
  flows: Flows
  jobs: Pick<Jobs, 'beginDeployment' | 'get'>
  configured: { get(name: string): ConfiguredJob | undefined }
  datasets: Pick<Datasets, 'find'>
  jobEnds: Pick<JobEnds, 'add'>
  /** Rejects with a Problem where a job's results, or that file of them, can't be read. */
  objects: Pick<OwnObjects, 'check'>
  settings: Pick<SignalingSettings, 'profiles' | 'participantId'>
  controlPlane(flow: Pick<Flow, 'callback_address' | 'control_plane'>): Promise<Called | undefined>
  /** Whether whoever sent a flow's request has its answer, as far as this API knows. */
  answers: Pick<Answers, 'wasSent'>
  /** Why an address will never be called. */
  refuses(url: string): string | undefined
  onDeployed(): void
}

/**
 * Begins a flow by a DataFlowStartMessage or DataFlowPrepareMessage, or starts one that is prepared. The job comes
 * first, under a key that the process gives it, and the flow's record is what decides between two of these at once: so
 * that a crash between leaves nothing that a further try doesn't take up. Rejects with a Problem.
 */
export async function begin(
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
  const { data, ready } = await dataOf(parts, id, dataset)
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
 * A flow that there is already can only go from PREPARED to its start; the message that began it is answered again where
 * its answer was never sent.
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

/** The data that a flow is about; `ready` where they are there. Makes the job of a dataset that has one. */
async function dataOf(
  parts: BeginParts,
  id: string,
  dataset: Dataset,
): Promise<{ data: FlowData; ready: boolean }> {
  const { source, file, format, remove } = dataset
  const data = { format, remove, ...(file !== undefined && { file }) }
  const waiting = { kind: consumerKind, id: flowKey(id), data: { flow: id } }
  if (source.kind === 'results') {
    const { uuid } = source
    let ready = await hasResults(parts, uuid, file)
    if (!ready) {
      await parts.jobEnds.add(uuid, waiting)
      ready = await hasResults(parts, uuid, file)
    }
    return { data: { ...data, uuid, made: false }, ready }
  }
  const request = datasetRequest(source, parts.configured)
  const deployment = await parts.jobs.beginDeployment(`dataflow ${id}`)
  try {
    await parts.jobEnds.add(deployment.uuid, waiting)
  } catch (error) {
    await deployment.abandon()
    throw error
  }
  const { job_uuid: uuid } = await deployment.deploy(request)
  parts.onDeployed()
  return { data: { ...data, uuid, made: true }, ready: false }
}

/** Rejects with a Problem where there are no such results and never will be. */
async function hasResults(
  { jobs, objects }: BeginParts,
  uuid: string,
  file: string | undefined,
): Promise<boolean> {
  const job = await jobs.get(uuid)
  if (job !== undefined && !isFinal(job.state)) return false
  const missing = await unreadable(objects, uuid, file)
  if (missing === undefined) return true
  throw invalid('datasetId', `stands for data that are not there (${missing})`, 'a dataset that has data')
}

function exists(id: string, flow?: Flow): Problem {
  const state = flow === undefined ? '' : ` and is ${flow.state}`
  return new Problem('conflict', `A data flow for the process ${id} exists already${state}`)
}

function noControlPlane(): Problem {
  return invalid(
    'callbackAddress',
    'is missing',
    'it, or a control plane that is registered or configured, so that it can be told of what happens',
  )
}

import { deployJob } from '../../http/deploy-job.ts'
import { resolveRequest } from '../../http/input/resolve-request.ts'
import type { HttpOptions } from '../../http/options.ts'
import { rerunJob } from '../../http/rerun-job.ts'
import type { Services } from '../../http/services.ts'
import { parseRequest } from '../../job/request/request-schema.ts'
import type { PendingNotification } from '../../lifecycle/jobs.ts'
import { Problem } from '../../util/errors.ts'
import { type IncomingMessage, jobIn, rerunIn } from './message.ts'

export interface CarryingOut {
  services: Services
  options: HttpOptions
  /** The scope in which ids are unique. */
  namespace: string
  caller: string
  /** The entry by which the events of a message's job are sent. */
  notify(uuid: string, messageId: string): PendingNotification
}

/** What a message led to. */
export interface MessageOutcome {
  job_uuid: string
  /** Fields of the request that have no effect here. */
  ignored?: string[]
  rerun_of?: string
}

/**
 * Does what a message asks for; idempotent. Resolves once the backend has accepted it, rejects as
 * the HTTP call does. `isLast`: the message is not tried again if its job isn't there.
 */
export async function carryOut(
  { id, type, data }: IncomingMessage,
  parts: CarryingOut,
  isLast: boolean,
): Promise<MessageOutcome> {
  const { services, options, namespace, caller } = parts
  const { jobs } = services
  const deployer = { key: id, caller, notify: (uuid: string) => parts.notify(uuid, id) }
  switch (type) {
    case 'dev.jobferry.deploy': {
      const admitted = await resolveRequest({ request: parseRequest(data) }, services, options)
      return outcomeOf(await deployJob(deployer, admitted, services))
    }
    case 'dev.jobferry.rerun': {
      const { uuid, overrides } = rerunIn(data, namespace)
      return outcomeOf(await rerunJob({ uuid }, parseRequest(overrides), deployer, services, options))
    }
    case 'dev.jobferry.cancel': {
      const uuid = jobIn(data, namespace)
      await jobs.cancel(uuid)
      return { job_uuid: uuid }
    }
    case 'dev.jobferry.delete': {
      const uuid = jobIn(data, namespace)
      // The message that makes it may be waiting; in the end an unknown job counts as removed.
      if (!isLast && (await jobs.get(uuid)) === undefined) {
        throw new Problem('not-found', `there is no job ${uuid}`)
      }
      await jobs.remove(uuid)
      return { job_uuid: uuid }
    }
  }
}

function outcomeOf({ uuid, ignored, rerunOf }: Awaited<ReturnType<typeof deployJob>>): MessageOutcome {
  return {
    job_uuid: uuid,
    ...(ignored.length > 0 && { ignored }),
    ...(rerunOf !== undefined && { rerun_of: rerunOf }),
  }
}

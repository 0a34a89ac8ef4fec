import type { Config } from '../config/config.ts'
import type { Services } from '../http/services.ts'
import { Broker } from '../messaging/broker/broker.ts'
import { brokerNames } from '../messaging/broker/names.ts'
import { createMessaging, type Messaging } from '../messaging/messaging.ts'
import type { Log } from '../util/log.ts'
import type { Metrics } from '../util/metrics.ts'
import { httpOptions } from './http-options.ts'

/** Undefined without AMQP_URL. */
export function createBroker({ amqp }: Config, log: Log, metrics: Metrics): Broker | undefined {
  const { url, prefetch } = amqp
  if (url === undefined) return undefined
  return new Broker({ address: { ...amqp, url }, names: brokerNames(amqp), prefetch, log, metrics })
}

export function createMessages(
  config: Config,
  services: Services,
  broker: Broker | undefined,
): Messaging | undefined {
  if (broker === undefined) return undefined
  const { amqp: settings, jobs } = config
  const options = httpOptions(config)
  return createMessaging({ settings, broker, services, options, namespace: jobs.namespace })
}

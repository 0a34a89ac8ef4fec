import type { Server } from 'node:http'
import type { LimitsSettings } from '../config/groups/callers/limits-group.ts'
import { createApp } from '../http/app.ts'
import { defaultLimits } from '../http/limits/client-limits.ts'
import { limitConnectionsPerAddress } from '../http/limits/connections-per-address.ts'
import { createLimitedServer } from '../http/limits/server-limits.ts'
import type { HttpOptions } from '../http/options.ts'
import type { Services } from '../http/services.ts'

const secondsBetweenWarnings = 60

/** The server of the API's port, with the limits of the settings. */
export function createApiServer(
  services: Services,
  options: HttpOptions,
  { connections, connectionsPerAddress: most, trustedProxies: exempt }: LimitsSettings,
): Server {
  const { metrics, log } = services
  const server = createLimitedServer(createApp(services, options), { ...defaultLimits, connections })
  let warnAfter = 0
  limitConnectionsPerAddress(server, {
    ...{ most, exempt },
    refused(address) {
      metrics.refusedConnections.inc()
      if (performance.now() < warnAfter) return
      warnAfter = performance.now() + secondsBetweenWarnings * 1000
      log.warn({ address, most }, 'an address has too many connections (CONNECTIONS_MAX_PER_ADDRESS)')
    },
  })
  return server
}

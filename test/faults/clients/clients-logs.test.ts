import { afterAll, beforeAll, expect } from 'vitest'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { postJson } from '../../support/api/http.ts'
import { busybox, untilState } from '../../support/api/on-cluster.ts'
import { get, rawClient, until } from '../../support/api/raw-client.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { residentBytes } from '../../support/process-facts.ts'
import { fault } from '../plan.ts'

const followers = 50

let cluster: ApiOnCluster
let api: ApiProcess

beforeAll(async () => {
  cluster = await apiOnCluster({ name: 'followers' })
  api = await cluster.start()
})
afterAll(() => cluster?.close())

fault(
  `${followers} clients that follow a log vanish → the API ends its log requests to the API server`,
  90,
  async () => {
    const { body } = await postJson(
      `${api.url}/job/deploy`,
      busybox('while :; do echo still here; sleep 1; done'),
    )
    const uuid = String(body.job_uuid)
    await untilState(api.url, uuid, 'running')
    const usual = await followed()
    const clients = await Promise.all(
      Array.from({ length: followers }, () => rawClient(api.url, get(`/job/${uuid}/log?follow=true`))),
    )
    await Promise.all(clients.map(({ text }) => until(() => text().includes('still here'), 20_000)))
    const following = await followed()
    const before = await residentBytes(api.pid)
    expect(following).toBeGreaterThanOrEqual(usual + followers - 5)
    for (const [index, { socket }] of clients.entries()) {
      if (index % 2 === 0) socket.resetAndDestroy()
      else socket.end()
    }
    const took = await until(async () => (await followed()) <= usual + 5, 15_000)
    const grown = ((await residentBytes(api.pid)) - before) / 2 ** 20
    console.info(
      `${followers} followers: the API server followed ${following} logs, ${usual} before them; ` +
        `not any more ${took} ms after they had gone; ${grown.toFixed(1)} MiB more`,
    )
    expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    await until(async () => (await fetch(`${api.url}/job/${uuid}`)).status === 404)
  },
)

/** Open log requests at the API server, of all its clients: the few of other tools don't matter. */
async function followed(): Promise<number> {
  const metrics = await kubectl('get', '--raw', '/metrics')
  const lines = metrics.matchAll(/^apiserver_longrunning_requests\{[^}]*subresource="log"[^}]*\} (\d+)$/gm)
  return Array.from(lines, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createGrants } from '../../../../src/dataspaces/grants/create-grants.ts'
import { grantId } from '../../../../src/dataspaces/signaling/flows/flow.ts'
import { createFlows } from '../../../../src/dataspaces/signaling/flows/flows.ts'
import { signal } from '../../../../src/dataspaces/signaling/signals.ts'
import { closeData, newAddress, type TokenParts } from '../../../../src/dataspaces/signaling/tokens/tokens.ts'
import { createLog } from '../../../../src/util/log.ts'
import { folderStore } from '../../../support/store/folder-store.ts'
import { newFlow } from '../flows/flows-cases.ts'

const settings = { participantId: 'did:web:provider.example', tokenSeconds: 60, finalTokenSeconds: 600 }
const log = createLog('test', 'silent')
const jobs = {
  get: async () => undefined,
  remove: async () => undefined,
  cancel: () => Promise.reject(new Error('no job was made for it')),
}

/** Two replicas over one store, with a started flow. */
async function startedFlow(id: string) {
  const store = await folderStore()
  const replica = () => {
    const grants = createGrants(store, { seconds: 60 })
    return { flows: createFlows(store), grants, settings, publicUrl: 'https://jobferry.example', jobs, log }
  }
  const [one, two] = [replica(), replica()]
  const flow = newFlow(id)
  await one.flows.create({ ...flow, state: 'STARTED', data: { ...flow.data, made: false } })
  return { one, two }
}

function isShort(name: string): boolean {
  return !name.startsWith('https://')
}

async function addressOf(parts: TokenParts, id: string) {
  const flow = await parts.flows.read(id)
  if (flow === undefined) throw new Error('there is a flow')
  return await newAddress(parts, flow)
}

it.each(Array.from({ length: 12 }, (_, index) => index * 2))(
  'leaves no valid token if a flow is suspended %d ms after the creation of a token began',
  async (delay) => {
    const { one, two } = await startedFlow('process')
    await addressOf(one, 'process')
    const [made] = await Promise.allSettled([
      addressOf(one, 'process'),
      sleep(delay).then(() => signal(two, 'process', 'suspend', { messageId: 'm' })),
    ])
    if (made.status === 'rejected') expect(made.reason).toMatchObject({ code: 'conflict' })
    expect(await two.grants.get(grantId('process'))).toMatchObject({ suspended: true })
    await signal(two, 'process', 'terminate', { messageId: 'm' })
    expect(await one.grants.get(grantId('process'))).toBeUndefined()
  },
)

it('keeps the data of a flow open if the flow was resumed during its suspension', async () => {
  const { one, two } = await startedFlow('process')
  await addressOf(one, 'process')
  await signal(one, 'process', 'suspend', { messageId: 'm' })
  const suspended = await one.flows.read('process')
  await signal(two, 'process', 'resume', { messageId: 'm' })
  await addressOf(two, 'process')
  if (suspended) await closeData(one, suspended)
  expect(await one.grants.get(grantId('process'))).toMatchObject({ suspended: false })
})

it('gives no refresh token without the ids of both participants', async () => {
  const { one } = await startedFlow('process')
  const names = async (parts: TokenParts) =>
    (await addressOf(parts, 'process')).endpointProperties.map(({ name }) => name).filter(isShort)
  expect(await names(one)).toEqual([
    'authorization',
    'authType',
    'expiresIn',
    'refreshToken',
    'refreshEndpoint',
  ])
  const { participantId: _, ...others } = settings
  expect(await names({ ...one, settings: others })).toEqual(['authorization', 'authType', 'expiresIn'])
  await one.flows.change('process', (flow) => ({ ...flow, counter_party_id: 'a-consumer' }))
  expect(await names(one)).toEqual(['authorization', 'authType', 'expiresIn'])
})

it("repeats each property of an address under EDC's namespace, without which connectors 0.16 drop it", async () => {
  const { one } = await startedFlow('process')
  const { endpointProperties } = await addressOf(one, 'process')
  const short = endpointProperties.filter(({ name }) => isShort(name))
  const long = short.map((one) => ({ ...one, name: `https://w3id.org/edc/v0.0.1/ns/${one.name}` }))
  expect(endpointProperties).toEqual([...short, ...long])
})

it('stores neither tokens nor secrets in the flow', async () => {
  const { one } = await startedFlow('process')
  const { endpointProperties } = await addressOf(one, 'process')
  const text = JSON.stringify(await one.flows.read('process'))
  for (const { name, value } of endpointProperties) {
    if (/(^|\/)(authorization|refreshToken)$/.test(name)) expect(text).not.toContain(value)
  }
})

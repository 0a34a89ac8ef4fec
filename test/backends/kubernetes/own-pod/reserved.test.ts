import { expect, it } from 'vitest'
import { reservedSources } from '../../../../src/backends/kubernetes/own-pod/reserved.ts'
import { answeringApi } from '../answering-api.ts'

const pod = { name: 'jobferry-1', uid: 'a' }
const spec = { containers: [{ name: 'api', envFrom: [{ secretRef: { name: 'jobferry' } }] }] }
const sources = [{ secret: 'jobferry' }, { secret: 'database' }]

/** An API server with the API's pod and without objects of Jobferry. */
function cluster() {
  return answeringApi(({ pathname }) => ({
    metadata: {},
    items: pathname.endsWith('/pods') ? [{ metadata: pod, spec }] : [],
  }))
}

it("are those that the API's own pod uses", async () => {
  expect(await reservedSources(await cluster(), pod, sources)).toEqual([{ secret: 'jobferry' }])
})

it('are not known without the own pod, which is refused as unavailable', async () => {
  await expect(reservedSources(await cluster(), { ...pod, uid: 'b' }, sources)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('its own pod jobferry-1'),
  })
})

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { generateKeyPair, SignJWT } from 'jose'
import { expect, it, onTestFinished } from 'vitest'
import { startDataPlane } from '../../../support/connector/data-plane.ts'
import {
  addressIn,
  provider,
  renewToken,
  startMessage,
  tell,
} from '../../../support/connector/dataflow-run.ts'
import { startDataspace } from '../../../support/connector/dataspace.ts'

it('POST /token gives up after 5 s on a DID whose host takes connections and stays silent', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    silent.close()
  })
  const did = `did:web:127.0.0.1%3A${(silent.address() as AddressInfo).port}`
  const space = await startDataspace()
  onTestFinished(() => space[Symbol.asyncDispose]())
  const plane = await startDataPlane(space, { quick: 'printf quick > $RESULT_DIRECTORY/report.txt' })
  onTestFinished(() => plane.remove())

  const start = { ...startMessage(space, 'process', 'quick'), counterPartyId: did }
  expect(await tell(plane.api.url, 'start', start)).toMatchObject({ status: 202 })
  const address = addressIn((await space.until('/transfers/process/dataflow/started')).body)
  const { privateKey } = await generateKeyPair('ES256')
  const jwt = await new SignJWT({ iss: did, sub: did, aud: provider, token: address.authorization })
    .setProtectedHeader({ alg: 'ES256', kid: `${did}#key-1` })
    .sign(privateKey)

  const begin = performance.now()
  expect(await renewToken(address, jwt)).toEqual({
    status: 503,
    body: {
      error: 'temporarily_unavailable',
      error_description: expect.stringMatching(/no answer within 5 s$/),
    },
  })
  const seconds = (performance.now() - begin) / 1000
  expect(seconds).toBeGreaterThan(4.5)
  // Other outgoing calls have 15 s.
  expect(seconds).toBeLessThan(12)
})

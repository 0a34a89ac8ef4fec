import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DataPlane, startDataPlane } from '../../support/connector/data-plane.ts'
import { addressIn, provider, renewToken, startMessage, tell } from '../../support/connector/dataflow-run.ts'
import { type Dataspace, startDataspace } from '../../support/connector/dataspace.ts'

let space: Dataspace
let plane: DataPlane
let url: string
let flow: string
/** The flow's address, with its tokens. */
let address: Record<string, string>

beforeAll(async () => {
  space = await startDataspace()
  plane = await startDataPlane(space, { quick: 'printf quick > $RESULT_DIRECTORY/report.txt' })
  url = plane.api.url
  flow = randomUUID()
  await tell(url, 'start', startMessage(space, flow, 'quick'))
  address = addressIn((await space.until(`/transfers/${flow}/dataflow/started`)).body)
})

afterAll(async () => {
  await plane?.remove()
  await space?.[Symbol.asyncDispose]()
})

describe('a renewal', () => {
  const claims = () => ({ iss: space.did, sub: space.did, aud: provider, token: address.authorization })
  const refused = (status: number, error: string) => ({ status, body: { error } })

  it.each([
    ['for another audience', { aud: 'did:web:somebody.else' }, refused(401, 'invalid_client')],
    ['of another subject', { sub: 'did:web:somebody.else' }, refused(401, 'invalid_client')],
    ['of another participant', { iss: 'did:web:somebody.else' }, refused(400, 'invalid_grant')],
    ['without the access token', { token: undefined }, refused(401, 'invalid_client')],
    ['with a foreign access token', { token: 'jfg_x.y' }, refused(400, 'invalid_grant')],
  ])('%s is refused', async (_, changed, expected) => {
    expect(await renewToken(address, await space.sign({ ...claims(), ...changed }))).toMatchObject(expected)
  })

  it('with an unknown refresh token, or without a valid signature, is refused', async () => {
    const jwt = await space.sign(claims())
    const foreign = { ...address, refreshToken: `${address.refreshToken}x` }
    expect(await renewToken(foreign, jwt)).toMatchObject(refused(400, 'invalid_grant'))
    expect(await renewToken(address, `${jwt.slice(0, -8)}AAAAAAAA`)).toMatchObject(
      refused(401, 'invalid_client'),
    )
    expect(await renewToken(address, 'no-jwt')).toMatchObject(refused(401, 'invalid_client'))
  })

  it('with a rotated key is allowed: the document is read again', async () => {
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject({ status: 200 })
    const reads = space.documentReads()
    await space.rotate()
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject({ status: 200 })
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject({ status: 200 })
    expect(space.documentReads()).toBe(reads + 1)
    const other = await space.sign(claims(), { kid: `${space.did}#another` })
    expect(await renewToken(address, other)).toMatchObject(refused(401, 'invalid_client'))
  })

  it('of a suspended or terminated flow is refused', async () => {
    await tell(url, `${flow}/suspend`)
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject(refused(400, 'invalid_grant'))
    await tell(url, `${flow}/terminate`)
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject(refused(400, 'invalid_grant'))
  })
})

import { afterAll, describe, expect, it } from 'vitest'
import { fetchInto, secretsFolder } from './fetch-into.ts'
import { removeCa, serve, sourceServer } from './source-server.ts'

afterAll(removeCa)

describe('the authorization of a Secret', () => {
  const secretsDirectory = () => secretsFolder({ portal: { authorization: 'Bearer of the portal\n' } })

  it('goes to the server of the URL, not to one that it redirects to', async () => {
    const seen: (string | undefined)[] = []
    const other = await sourceServer((req, res, number) => {
      seen.push(req.headers.authorization)
      serve(Buffer.from('there'), undefined)(req, res, number)
    })
    const { url, ca } = await sourceServer((req, res) => {
      seen.push(req.headers.authorization)
      res.writeHead(302, { location: req.url === '/x' ? '/y' : `${other.url}/z` }).end()
    })
    const line = { from: `${url}/x`, secret: 'portal' }
    const { taken } = await fetchInto(line, { ca: ca.pem }, { secretsDirectory: secretsDirectory() })
    expect(taken).toMatchObject({ size: 5 })
    expect(seen).toEqual(['Bearer of the portal', 'Bearer of the portal', undefined])
  })

  it('is waited for, and named if it does not come', async () => {
    const { url, ca, requests } = await sourceServer(serve(Buffer.from('x'), undefined))
    const line = { from: `${url}/x`, secret: 'other' }
    const options = { timeoutSeconds: 1, secretsDirectory: secretsDirectory() }
    const { taken } = await fetchInto(line, { ca: ca.pem }, options)
    expect(taken).toMatchObject({
      kind: 'InputUnavailable',
      message: expect.stringContaining('the Secret "other" is not there, or has no authorization'),
    })
    expect(requests).toEqual([])
  })
})

describe('an address that is not allowed', () => {
  const redirectTo = (location: string) =>
    sourceServer((req, res, number) =>
      req.url === '/x'
        ? res.writeHead(302, { location }).end()
        : serve(Buffer.from('there'), undefined)(req, res, number),
    )

  it.each([
    ['http://169.254.169.254/latest/meta-data', 'metadata'],
    ['https://[fd00:ec2::254]/', 'metadata'],
    ['https://2852039166/', 'metadata'],
    ['file:///etc/passwd', 'file: is not allowed'],
  ])('is not reached by a redirect to %s', async (location, why) => {
    const { url, ca } = await redirectTo(location)
    const { taken } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
    expect(taken).toMatchObject({ kind: 'InputInvalid', message: expect.stringContaining(why) })
    expect(String(taken)).toContain(`${url}/x`)
  })

  it('is not reached by a name that resolves to it', async () => {
    const { url, ca, requests } = await sourceServer(serve(Buffer.from('x'), undefined))
    const from = url.replace('127.0.0.1', 'localhost')
    const { taken } = await fetchInto({ from: `${from}/x` }, { ca: ca.pem, allow: 'public,private' })
    expect(taken).toMatchObject({ kind: 'InputInvalid', message: expect.stringContaining('loopback') })
    expect(requests).toEqual([])
  })

  it('is http:// if the operator does not allow it, also after a redirect', async () => {
    const plain = await sourceServer(serve(Buffer.from('x'), undefined), true)
    const { url, ca } = await redirectTo(`${plain.url}/y`)
    for (const from of [`${plain.url}/y`, `${url}/x`]) {
      const { taken } = await fetchInto({ from }, { ca: ca.pem, allow_http: false })
      expect(taken).toMatchObject({
        kind: 'InputInvalid',
        message: expect.stringContaining('INPUT_ALLOW_HTTP'),
      })
    }
    expect(plain.requests).toEqual([])
    expect((await fetchInto({ from: `${url}/x` }, { ca: ca.pem })).taken).toMatchObject({ size: 1 })
  })

  it('is given up after five redirects at once', async () => {
    const { url, ca, requests } = await sourceServer((_, res) => res.writeHead(302, { location: '/x' }).end())
    const { taken } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
    expect(taken).toMatchObject({ kind: 'InputUnavailable', message: expect.stringContaining('redirect') })
    expect(requests).toHaveLength(6)
  })
})

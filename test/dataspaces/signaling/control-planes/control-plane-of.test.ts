import { expect, it } from 'vitest'
import { controlPlaneOf } from '../../../../src/dataspaces/signaling/control-planes/control-plane-of.ts'
import type { ControlPlane } from '../../../../src/dataspaces/signaling/control-planes/control-planes.ts'

const authorization = { type: 'oauth2_client_credentials' }
const one: ControlPlane = {
  id: 'one',
  endpoint: 'https://one.example/signaling',
  authorization,
  trusted: false,
}
const two: ControlPlane = { id: 'two', endpoint: 'https://two.example/signaling', trusted: false }
const set: ControlPlane = { id: 'configured', endpoint: 'https://set.example', authorization, trusted: true }

it.each([
  [
    'the address in the request',
    { callback_address: 'https://a.example/x/' },
    [one],
    set,
    'https://a.example/x',
  ],
  ['the control plane that started the flow', { control_plane: 'two' }, [one, two], set, two.endpoint],
  ['the only registered one', {}, [one], set, one.endpoint],
  ['the configured one if several are registered', {}, [one, two], set, set.endpoint],
  ['the configured one', { control_plane: 'two' }, [], set, set.endpoint],
  ['no control plane', {}, [one, two], undefined, undefined],
])('calls %s', (_, flow, registered, configured, expected) => {
  expect(controlPlaneOf(flow, registered, configured)?.endpoint).toBe(expected)
})

it('uses credentials only for the origin that they are for', () => {
  const to = (callback_address: string) => controlPlaneOf({ callback_address }, [one, two], set)
  expect(to('https://one.example/else')).toEqual({
    endpoint: 'https://one.example/else',
    authorization,
    trusted: false,
  })
  expect(to('https://set.example/else')).toEqual({
    endpoint: 'https://set.example/else',
    authorization,
    trusted: true,
  })
  for (const other of ['https://one.example.evil/', 'http://one.example/', 'https://one.example:444/']) {
    expect(to(other)).toEqual({ endpoint: other.replace(/\/$/, ''), trusted: false })
  }
})

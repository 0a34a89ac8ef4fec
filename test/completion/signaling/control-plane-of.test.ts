import { expect, it } from 'vitest'
import { controlPlaneOf } from '../../../src/completion/signaling/control-plane-of.ts'
import type { ControlPlane } from '../../../src/completion/signaling/control-planes.ts'

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
  ['the one that began it', { control_plane: 'two' }, [one, two], set, two.endpoint],
  ['the only one that is registered', {}, [one], set, one.endpoint],
  ['the configured one where several are registered', {}, [one, two], set, set.endpoint],
  ['the configured one', { control_plane: 'two' }, [], set, set.endpoint],
  ['nobody', {}, [one, two], undefined, undefined],
])('calls %s', (_, flow, registered, configured, expected) => {
  expect(controlPlaneOf(flow, registered, configured)?.endpoint).toBe(expected)
})

it('shows its credentials to nobody but whom they are for', () => {
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

import { expect, test } from 'vitest'
import { holderOf } from '../../../src/http/limits/connections-per-address.ts'

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('connections of %s count for %s', (address, holder) => {
  expect(holderOf(address)).toBe(holder)
})

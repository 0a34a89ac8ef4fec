import { describe, expect, test } from 'vitest'
import { classOf } from '../../../src/util/egress/addresses.ts'
import { addressRefusal, parseAllow } from '../../../src/util/egress/allow.ts'

describe('the class of an address', () => {
  test.each([
    ['169.254.169.254', 'never'],
    ['169.254.170.2', 'never'],
    ['0.0.0.0', 'never'],
    ['0.1.2.3', 'never'],
    ['100.100.100.200', 'never'],
    ['168.63.129.16', 'never'],
    ['192.0.0.192', 'never'],
    ['224.0.0.1', 'never'],
    ['255.255.255.255', 'never'],
    ['fe80::1', 'never'],
    ['fe80::1%eth0', 'never'],
    ['febf::1', 'never'],
    ['::', 'never'],
    ['ff02::1', 'never'],
    ['fd00:ec2::254', 'never'],
    ['fd00:ec2::23', 'never'],
    ['fd20:ce::254', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['::ffff:a9fe:a9fe', 'never'],
    ['0:0:0:0:0:ffff:a9fe:a9fe', 'never'],
    ['::a9fe:a9fe', 'never'],
    ['::169.254.169.254', 'never'],
    ['64:ff9b::169.254.169.254', 'never'],
    ['64:ff9b:1::1', 'never'],
    ['2002:a9fe:a9fe::1', 'never'],
    ['2001:0:1::1', 'never'],
    ['::ffff:0:a9fe:a9fe', 'never'],
    ['example.org', 'never'],
    ['', 'never'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['10.96.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12:3456::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['93.184.216.34', 'public'],
    ['2606:2800:220:1::1', 'public'],
    ['64:ff9b::93.184.216.34', 'public'],
  ])('%s is %s', (address, expected) => {
    expect(classOf(address)).toBe(expected)
  })
})

describe('OUTGOING_ALLOW', () => {
  test.each([
    ['public', 'example.org', '93.184.216.34', true],
    ['public', 'example.org', '10.0.0.1', false],
    ['private', 'connector.edc.svc', '10.0.0.1', true],
    ['public,private', 'localhost', '127.0.0.1', false],
    ['loopback', 'localhost', '::1', true],
    ['any', 'x', '127.0.0.1', true],
    ['any', 'metadata.google.internal', '169.254.169.254', false],
    ['169.254.0.0/16', 'x', '169.254.1.1', false],
    ['10.1.0.0/16', 'x', '10.1.2.3', true],
    ['10.1.0.0/16', 'x', '::ffff:10.1.2.3', true],
    ['10.1.0.0/16', 'x', '10.2.0.1', false],
    ['fd12::/16 10.1.2.3', 'x', 'fd12::5', true],
    ['fd12::/16 10.1.2.3', 'x', '10.1.2.3', true],
    ['connector.example', 'Connector.Example.', '10.2.0.1', true],
    ['connector.example', 'other.example', '93.184.216.34', false],
    ['*.example.org', 'a.b.example.org', '10.2.0.1', true],
    ['*.example.org', 'example.org', '10.2.0.1', false],
    ['*.example.org', 'badexample.org', '10.2.0.1', false],
    ['', 'example.org', '93.184.216.34', false],
  ])('%j allows calls to %s at %s: %s', (text, host, address, allowed) => {
    const rules = parseAllow(text)
    expect(rules).toBeDefined()
    expect(addressRefusal(host, address, rules) === undefined).toBe(allowed)
  })

  test.each(['10.0.0.0/33', '300.1.1.1', 'a b/c', '10.0.0.0/x', 'https://example.org', '*', 'fd12::/129'])(
    '%j is refused',
    (text) => {
      expect(parseAllow(text)).toBeUndefined()
    },
  )
})

/*
 * Names that are legal on Linux but that a program on the way could mangle, each character a byte
 * (latin1). Imports nothing: workers get this file as an input.
 */

const bytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

/** Fixed names, all different, so that one folder can have them all. */
export const fixedNames: readonly string[] = [
  ...[
    '...',
    ' ',
    '  ',
    '. .',
    '.. ',
    '~',
    '~root',
    '-rf',
    '--',
    '*',
    '%',
    '%2F',
    '%00',
    '+',
    '#',
    '?',
    '&',
    '\\',
  ],
  ...[
    '"',
    "'",
    '`id`',
    '$(id)',
    ';',
    '|',
    '<x>',
    '\n',
    '\r\n',
    '\t',
    '\x01',
    '\x7f',
    '\x1b[31m',
    'a=b',
    'a:b',
  ],
  // Names that stores and this project use themselves.
  ...[
    'xl.meta',
    'part.1',
    '.minio.sys',
    'format.json',
    'manifest.ndjson',
    'checkpoint',
    'files',
    'stop',
    'log',
  ],
  ...['__proto__', 'constructor', 'null', 'undefined', 'NaN', '-0', 'nul', 'con', 'desktop.ini', '.DS_Store'],
  // Names that are equal to a reader, to other file systems or in Unicode, but differ here.
  ...['É', 'E\u0301', 'é', 'e\u0301', 'ﬁ', 'fi', 'K', '\u212a', 'ß', 'ẞ', 'ı', 'İ'].map(bytes),
  ...[
    '\ufeffmark',
    '\ufffd',
    '\ufffe',
    '\uffff',
    '\u2028',
    '\u202etxt',
    '\u200b',
    '\u{10ffff}',
    '\u{1f600}',
  ].map(bytes),
  ...['CASE', 'case', 'Case', 'trailing ', 'trailing', ' trailing', 'trailing.'],
  // Invalid UTF-8: truncated, overlong, a surrogate, beyond Unicode, Latin-1.
  ...[
    '\xff',
    '\xfe\xff',
    '\xc3',
    '\xc0\xaf',
    '\xe2\x82',
    '\xed\xa0\x80',
    '\xf4\x90\x80\x80',
    '\xfcber',
    '\x80',
  ],
].filter((name, index, all) => all.indexOf(name) === index)

/** An odd name that is different for each number. */
export function numberedName(number: number): string {
  const make = numbered[number % numbered.length]
  return make?.(String(number)) ?? ''
}

const numbered: readonly ((number: string) => string)[] = [
  (n) => `${n}.bin`,
  (n) => `line\nbreak ${n}`,
  (n) => `spaces at the end ${n}  `,
  (n) => `100%${n}`,
  (n) => `%41%2f${n}`,
  (n) => `#${n}`,
  (n) => `?file=${n}&after=`,
  (n) => `${n}+1 = ${n}`,
  (n) => `~${n}`,
  (n) => `.${n}`,
  (n) => `${n}...`,
  (n) => `\xff\xfe${n}`,
  (n) => `\xc3(${n}`,
  (n) => n.padEnd(255, 'long'),
  (n) => n.padStart(255, ' '),
  (n) => `${bytes('ü'.repeat(122))}-${n}`,
  (n) => `\xe9${n}`.padEnd(255, '\xe9'),
  (n) => `"${n}'\\`,
  (n) => `-${n}`,
  (n) => bytes(`数据 ${n} 😀`),
]

import { createHash } from 'node:crypto';

import { defineConfig, type Plugin } from 'vite';

import { codePages, sources } from './build/codes.ts';

export default defineConfig({
  plugins: [codes(), styleHashes()],
  html: { cspNonce: '__NONCE__' },
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    sourcemap: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'vendor-bpmn', test: /node_modules[\\/](bpmn|diagram|moddle|min-|tiny-svg|didi|ids|inherits|path-intersection|component-event|object-refs|saxen|@bpmn-io)/ },
            { name: 'vendor-editor', test: /node_modules[\\/](@codemirror|@lezer|codemirror|style-mod|w3c-keyname|crelt)/ },
            { name: 'vendor', test: /node_modules[\\/](preact|@preact)/ },
          ],
        },
      },
    },
  },
});

/** The module `virtual:codes`. */
function codes(): Plugin {
  const id = '\0virtual:codes';
  return {
    name: 'codes',
    resolveId: (wanted) => (wanted === 'virtual:codes' ? id : null),
    load(wanted) {
      if (wanted !== id) return null;
      for (const file of sources()) this.addWatchFile(file);
      return `export const pages = ${JSON.stringify(codePages())};`;
    },
  };
}

/** Writes `dist/csp.json`: the hashes of the literal style attributes in modules of others, which the server's policy allows. */
function styleHashes(): Plugin {
  return {
    name: 'style-hashes',
    generateBundle(_, bundle) {
      const styles = new Set<string>();
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        for (const [, style] of chunk.code.matchAll(/<[a-z]+\b[^<>]*? style=\\?"([^"\\]+)\\?"/g)) styles.add(style);
      }
      const hashes = [...styles].sort().map((style) => `sha256-${createHash('sha256').update(style).digest('base64')}`);
      this.emitFile({ type: 'asset', fileName: 'csp.json', source: `${JSON.stringify({ styleAttributes: hashes }, null, 2)}\n` });
    },
  };
}

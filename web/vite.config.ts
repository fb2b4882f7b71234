import {type Plugin} from 'vite';
import {defineConfig} from 'vitest/config';

// The server answers /d/UID and /d/UID/SLUG with the page too. All of its URLs are relative, so
// that it works under any path prefix, and a page one folder down needs "../" before them.
function pagesBelow(): Plugin {
  return {
    name: 'pages-below',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('no index.html was made');
      for (const [fileName, up] of [['index1.html', '../'], ['index2.html', '../../']]) {
        const source = String(page.source).replaceAll('="./', `="${up}`);
        this.emitFile({type: 'asset', fileName, source});
      }
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [pagesBelow()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,  // the content security policy wants files
    modulePreload: {polyfill: false},
    chunkSizeWarningLimit: 1000,
    reportCompressedSize: false,
  },
  server: {proxy: {'/api': process.env.STRATA_URL ?? 'http://127.0.0.1:9090'}},
  test: {include: ['test/**/*.test.ts']},
});

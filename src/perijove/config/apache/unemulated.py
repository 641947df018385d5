"""What perijove does not do of Apache's: said once for each directive, and refused where somebody could walk in.

Every directive of Debian's Apache is emulated, accepted silently, or different in a way that is said here. Knows names.
Must not know how emulated ones are carried out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perijove.config.apache.directive import Directive, Section
from perijove.config.apache.modules import stranger
from perijove.config.apache.table import table
from perijove.config.apache.words import fold
from perijove.text.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Difference(NamedTuple):
    """What will be different, and whether access that Apache refuses would be granted."""

    what: str
    opens_a_door: bool = False


def _names(text: str) -> frozenset[str]:
    return frozenset(map(fold, text.split()))


EMULATED = _names("""
    <VirtualHost <Location <LocationMatch <If <ElseIf <Else <Proxy <ProxyMatch <RequireAll <RequireAny <RequireNone
    <IfModule <IfDefine <IfFile <IfDirective <IfSection <IfVersion <Macro Use UndefMacro MacroIgnoreEmptyArgs
    MacroIgnoreBadNesting Define UnDefine Include IncludeOptional LoadModule LoadFile ServerRoot DefaultRuntimeDir Error
    Listen ServerName ServerAlias UseCanonicalName UseCanonicalPhysicalPort Timeout RequestReadTimeout KeepAlive KeepAliveTimeout
    ErrorDocument AllowEncodedSlashes MergeSlashes SetHandler HttpProtocolOptions
    LimitRequestLine LimitRequestFieldsize LimitRequestFields LimitRequestBody MaxKeepAliveRequests MaxRangeOverlaps MaxRangeReversals MaxRanges
    ProxyRequests ProxyRemote ProxyRemoteMatch ProxyPassInterpolateEnv ProxyPass ProxyPassMatch ProxyPassReverse
    ProxyPassReverseCookiePath ProxyPassReverseCookieDomain ProxyBlock ProxyMaxForwards NoProxy ProxyDomain ProxyVia
    ProxyErrorOverride ProxyPreserveHost ProxyTimeout BalancerMember ProxySet ProxyAddHeaders AllowCONNECT
    ProxyWebsocketFallbackToProxyHttp
    RewriteEngine RewriteOptions RewriteBase RewriteCond RewriteRule RewriteMap ServerPath Header RequestHeader
    Alias AliasMatch Redirect RedirectMatch RedirectTemp RedirectPermanent
    SetEnvIf SetEnvIfNoCase BrowserMatch BrowserMatchNoCase SetEnvIfExpr SetEnv UnsetEnv PassEnv
    <Limit <LimitExcept Require AuthMerging order allow deny Satisfy AuthType AuthName AuthBasicProvider AuthUserFile AuthGroupFile
    RemoteIPHeader RemoteIPInternalProxy RemoteIPTrustedProxy RemoteIPInternalProxyList RemoteIPTrustedProxyList
    RemoteIPProxiesHeader TraceEnable
    AddDefaultCharset DocumentRoot DirectoryIndex FallbackResource AddType AddCharset AddLanguage AddEncoding RemoveType
    RemoveCharset RemoveLanguage RemoveEncoding DefaultLanguage ForceType TypesConfig AllowOverride ScriptAlias ScriptAliasMatch
    <Directory <DirectoryMatch <Files <FilesMatch ExpiresActive ExpiresByType ExpiresDefault
    SSLEngine SSLCertificateFile SSLCertificateKeyFile SSLCertificateChainFile
    SSLProxyEngine SSLProxyVerify SSLProxyCheckPeerName SSLProxyCheckPeerCN SSLProxyCheckPeerExpire
    SSLProxyCACertificateFile SSLRequireSSL SSLRequire AllowMethods
""")

# Logs and most timeouts are perijove's own, files are served as they are, and how many processes there are is said elsewhere.
ACCEPTED = _names("""
    AcceptPathInfo AccessFileName AuthBasicAuthoritative
    AllowOverrideList Options DefaultType FileETag EnableMMAP EnableSendfile ReadBufferSize FlushMaxThreshold FlushMaxPipelined
    Protocol AcceptFilter Port HostnameLookups ServerAdmin ServerSignature ErrorLog ErrorLogFormat ContentDigest LogLevel
    NameVirtualHost ServerTokens LimitXMLRequestBody Mutex RLimitCPU RLimitMEM
    RLimitNPROC RegexDefaultOptions LimitInternalRecursion CGIPassAuth CGIVar QualifyRedirectURL ScoreBoardFile
    ExtendedStatus SeeRequestTail PidFile MaxRequestsPerChild MaxConnectionsPerChild CoreDumpDirectory MaxMemFree
    ThreadStackSize MergeTrailers Protocols ProtocolsHonorOrder RegisterHttpMethod WatchdogInterval
    CustomLog GlobalLog TransferLog LogFormat BufferedLogs LogIOTrackTTFB User Group ChrootDir Suexec
    RedirectRelative AliasPreservePath ProxyReceiveBufferSize ProxyIOBufferSize ProxyStatus
    ProxyPassInherit BalancerPersist BalancerGrowth BalancerInherit ProxyBadHeader AddOutputFilterByType
    SSLOpenSSLConfCmd SSLPassPhraseDialog SSLSessionCache
    SSLSessionCacheTimeout SSLCryptoDevice SSLRandomSeed SSLCompression SSLInsecureRenegotiation SSLSessionTicketKeyFile
    SSLRenegBufferSize SSLLog SSLLogLevel SSLProxyProtocol SSLProxyCipherSuite SSLProxyVerifyDepth SSLFIPS SSLVHostSNIPolicy
    ListenBacklog ListenCoresBucketsRatio SendBufferSize ReceiveBufferSize ListenTCPDeferAccept StartServers ServerLimit
    MinSpareThreads MaxSpareThreads MinSpareServers MaxSpareServers MaxClients MaxRequestWorkers ThreadsPerChild ThreadLimit
    AsyncRequestWorkerFactor GracefulShutdownTimeout
""")

_OF_FILES = _names("<Directory <DirectoryMatch <Files <FilesMatch")

# What makes files smaller or lists them, and what only says how fast.
_SILENT_MODULES = _names("""
    actions asis autoindex brotli cern_meta cgi cgid charset_lite deflate dir dumpio echo file_cache http2 imagemap
    include info log_debug log_forensic mime mime_magic negotiation speling status suexec unique_id userdir
    vhost_alias socache_dbm socache_memcache socache_redis socache_shmcb slotmem_plain slotmem_shm proxy_ftp heartbeat
    heartmonitor lbmethod_heartbeat authn_socache
""")

_ACCESS = "strangers are not kept out"
_FILTERS = "what upstreams answer passes as it is"
MODULES = {
    "auth_digest": Difference(f"passwords by digest are not asked for: {_ACCESS}", True),
    "auth_form": Difference(f"there is no login form: {_ACCESS}", True),
    "authn_anon": Difference("visitors without a name are not let in"),
    "authn_dbd": Difference(f"passwords are not looked up in a database: {_ACCESS}", True),
    "authn_dbm": Difference(f"passwords are not looked up in a DBM file: {_ACCESS}", True),
    "authnz_fcgi": Difference(f"no FastCGI program is asked: {_ACCESS}", True),
    "authnz_ldap": Difference(f"no directory is asked for passwords and groups: {_ACCESS}", True),
    "authz_dbd": Difference(f"groups are not looked up in a database: {_ACCESS}", True),
    "authz_dbm": Difference(f"groups are not looked up in a DBM file: {_ACCESS}", True),
    "buffer": Difference("nothing is held back"),
    "cache": Difference("nothing is kept: each request goes to its upstream"),
    "cache_disk": Difference("nothing is kept: each request goes to its upstream"),
    "cache_socache": Difference("nothing is kept: each request goes to its upstream"),
    "data": Difference(_FILTERS),
    "dav": Difference("there is no WebDAV"),
    "dav_fs": Difference("there is no WebDAV"),
    "dav_lock": Difference("there is no WebDAV"),
    "dbd": Difference("no database is connected"),
    "dialup": Difference("nothing is slowed down"),
    "ext_filter": Difference(f"no program is run: {_FILTERS}"),
    "filter": Difference(_FILTERS),
    "ident": Difference("nobody is asked for the client's user"),
    "ldap": Difference("no directory is connected"),
    "lua": Difference("no Lua is run"),
    "md": Difference("certificates are not fetched: name the files by SSLCertificateFile"),
    "proxy_express": Difference("upstreams are not looked up in a DBM file"),
    "proxy_fcgi": Difference("there is no FastCGI"),
    "proxy_hcheck": Difference("upstreams are not probed"),
    "proxy_html": Difference("links in pages are not rewritten: let the upstream know its own prefix (`base_url`)"),
    "proxy_scgi": Difference("there is no SCGI"),
    "ratelimit": Difference("nothing is slowed down"),
    "reflector": Difference("requests are not reflected"),
    "request": Difference("contents of requests are not kept"),
    "sed": Difference(_FILTERS),
    "session": Difference("there are no sessions"),
    "session_cookie": Difference("there are no sessions"),
    "session_crypto": Difference("there are no sessions"),
    "session_dbd": Difference("there are no sessions"),
    "ssl": Difference("this side of TLS is perijove's own"),
    "substitute": Difference(_FILTERS),
    "usertrack": Difference("no cookie is set"),
    "xml2enc": Difference(_FILTERS),
}

_CERTIFICATE = "clients are not asked for certificates"
DIRECTIVES = {
    "<AuthnProviderAlias": Difference(f"the alias stands for nothing: {_ACCESS}", True),
    "<AuthzProviderAlias": Difference(f"the alias stands for nothing: {_ACCESS}", True),
    "AuthzSendForbiddenOnFailure": Difference("a user who may not enter is asked for a password again"),
    "AuthBasicFake": Difference("no Authorization is made up for the upstream"),
    "AuthBasicUseDigestAlgorithm": Difference("passwords of digest files are not understood"),
    "StrictHostCheck": Difference("a Host that no virtual host names is served by the first one", True),
    "SetOutputFilter": Difference(_FILTERS),
    "SetInputFilter": Difference("what clients send passes as it is"),
    "ProxySourceAddress": Difference("the system chooses the address that upstreams see"),
    "Proxy100Continue": Difference("100 Continue is sent when the upstream has asked for the content"),
    "RemoteIPProxyProtocol": Difference("the PROXY protocol is not expected; it is a setting of perijove's own"),
    "RemoteIPProxyProtocolExceptions": Difference("the PROXY protocol is not expected"),
    "LuaAuthzProvider": Difference(f"no Lua is run: {_ACCESS}", True),
    "LuaHookAccessChecker": Difference(f"no Lua is run: {_ACCESS}", True),
    "<LuaHookAccessChecker": Difference(f"no Lua is run: {_ACCESS}", True),
    "LuaHookAuthChecker": Difference(f"no Lua is run: {_ACCESS}", True),
    "<LuaHookAuthChecker": Difference(f"no Lua is run: {_ACCESS}", True),
    "LuaHookCheckUserID": Difference(f"no Lua is run: {_ACCESS}", True),
    "<LuaHookCheckUserID": Difference(f"no Lua is run: {_ACCESS}", True),
    "MDRequireHttps": Difference("nobody is sent to https"),
    "SSLVerifyClient": Difference(_CERTIFICATE, True),
    "SSLUserName": Difference("no name is taken from a certificate"),
    "SSLOptions": Difference("variables of certificates are not there"),
    "SSLOCSPEnable": Difference("certificates of clients are not asked after", True),
    "SSLCARevocationCheck": Difference("lists of revoked certificates are not read", True),
    "SSLProxyCARevocationCheck": Difference("lists of revoked certificates are not read"),
    "SSLProxyCARevocationFile": Difference("lists of revoked certificates are not read"),
    "SSLProxyCARevocationPath": Difference("lists of revoked certificates are not read"),
    "SSLProxyCACertificatePath": Difference("the folder is not read: give one file by SSLProxyCACertificateFile"),
    "SSLProxyMachineCertificateFile": Difference("upstreams are shown no certificate"),
    "SSLProxyMachineCertificatePath": Difference("upstreams are shown no certificate"),
    "SSLProxyMachineCertificateChainFile": Difference("upstreams are shown no certificate"),
    "SSLStrictSNIVHostCheck": Difference("clients without SNI are served by the first virtual host", True),
    "SSLUseStapling": Difference("no OCSP answer is sent along"),
}

# What Require may ask that is emulated.
ASKED = frozenset(("all", "env", "method", "expr", "ip", "host", "local", "forward-dns", "user", "valid-user", "group", "ssl"))


def difference(name: str) -> Difference | None:
    """Return what will be different of a directive; sections are named with their opening bracket."""
    low = fold(name)
    if low in EMULATED or low in ACCEPTED:
        return None
    its = table().commands.get(low)
    if its is None:
        other = stranger(low.lstrip("<"))
        if other is None:
            return Difference("perijove does not know it: what it protects would lie open", True)
        return Difference(f"there is no {other.what}", other.opens_a_door)
    found = DIRECTIVES.get(its[0].name)
    if found:
        return found
    if its[0].module in _SILENT_MODULES:
        return None
    return MODULES[its[0].module]


_ALLOW = "if something else keeps strangers out, say `--allow-unenforced {}`"


def judge(items: tuple[Directive | Section, ...], unenforced: Collection[str] = ()) -> list[Diagnostic]:
    """Say what will be different, once for each name; an error for a door, unless it is named in `unenforced`.

    What is named there is a directive, a module (`authnz_ldap`), or a directive and its argument (`Require ldap-group`).
    """
    allowed = {fold(one) for one in unenforced}
    told: set[str] = set()
    found = []
    for item, of_files in _all(items):
        name = f"<{item.name}" if isinstance(item, Section) else item.name
        key, what = _argument(item) or (name, difference(name))
        if what is None or fold(key) in told:
            continue
        # What is done to files that are served is of no concern to a proxy, but for what keeps people out. What Require and
        # AuthType ask for there is told of where it is lowered.
        if of_files and (not what.opens_a_door or key != name):
            continue
        told.add(fold(key))
        shown = f"{key}>" if key.startswith("<") else key
        module = _module(name) if key == name else ""
        door = what.opens_a_door and not allowed & {fold(key), fold(key.lstrip("<")), fold(module)}
        found.append(
            Diagnostic(
                name="not-enforced" if what.opens_a_door else "not-emulated",
                severity=Severity.ERROR if door else Severity.WARNING,
                message=f"`{shown}` is not emulated: {what.what}",
                where=item.span,
                help=_ALLOW.format(module or f'"{key}"') if door else "",
            )
        )
    return found


def _module(name: str) -> str:
    """Return the module that a directive belongs to, if all of it is missing, so that one name allows all; else its name."""
    its = table().commands.get(fold(name))
    if its:
        return its[0].module if its[0].module in MODULES and its[0].name not in DIRECTIVES else its[0].name.lstrip("<")
    other = stranger(name.lstrip("<"))
    return other.module if other else name


def _argument(item: Directive | Section) -> tuple[str, Difference | None] | None:
    """Return what an emulated directive asks for that is not."""
    words = [fold(one.text) for one in item.words]
    match fold(item.name), words:
        case "require", ["not", provider, *_] if provider not in ASKED:
            return f"Require {provider}", Difference(f"perijove cannot ask that: {_ACCESS}", True)
        case "require", [provider, *_] if provider not in (*ASKED, "not"):
            return f"Require {provider}", Difference(f"perijove cannot ask that: {_ACCESS}", True)
        case "authtype", [kind, *_] if kind not in ("basic", "none"):
            return f"AuthType {kind}", Difference(f"only `AuthType Basic` is: {_ACCESS}", True)
        case "authbasicprovider", providers if set(providers) - {"file"}:
            other = next(one for one in providers if one != "file")
            return f"AuthBasicProvider {other}", Difference(f"only `AuthBasicProvider file` is: {_ACCESS}", True)
        # What is switched off is not missed.
        case name, ["off" | "none"] if name not in EMULATED:
            return item.name, None
        case _:
            return None


def _all(items: tuple[Directive | Section, ...], of_files: bool = False) -> Iterator[tuple[Directive | Section, bool]]:
    """Return all of them, those in sections too, and whether each is for files only."""
    for item in items:
        yield item, of_files
        if isinstance(item, Section):
            yield from _all(item.children, of_files or fold(f"<{item.name}") in _OF_FILES)

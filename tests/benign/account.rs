//! Accounts: logins with passwords that are hard to guess, registrations, single sign-on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::browser::{cookies, dressed, jwt};
use super::shop::{address, person, sentence};
use super::{Dice, Request, component, lines};

const PASSWORDS: &str = include_str!("data/passwords.txt");

/// A password that someone chose, or one that a password manager made.
fn secret(dice: &mut Dice) -> String {
    if dice.once_in(3) {
        let length = 12 + dice.below(20);
        let alphabet = dice.pick(ALPHABETS);
        return dice.text(alphabet, length);
    }
    let all = lines(PASSWORDS);
    all[dice.below(all.len())].to_owned()
}

/// The signs that Bitwarden, 1Password, Chrome and Safari put into passwords.
const ALPHABETS: &[&str] = &[
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#%)*+,-.:=>?@]^_}~",
    "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789-_.:!",
    "abcdefghijkmnopqrstuvwxyz0123456789-ABCDEFGHIJKLMNP",
];

fn user(dice: &mut Dice) -> String {
    let (family, given) = person(dice);
    match dice.below(4) {
        0 => format!("{given}.{family}@example.com").replace([' ', '"', ';'], ""),
        1 => format!("{given} {family}"),
        2 => "admin".to_owned(),
        _ => format!("EXAMPLE\\{}", given.to_lowercase()),
    }
}

/// A login by form, JSON or Basic authentication.
pub(crate) fn login(dice: &mut Dice) -> Request {
    let (user, password) = (user(dice), secret(dice));
    match dice.below(3) {
        0 => {
            let request = dressed(dice, Request::new("login form", "POST", "/login?next=%2Faccount%2Forders%3Fpage%3D2"));
            let cookies = cookies(dice);
            request.header("cookie", cookies).form(&[("csrfmiddlewaretoken", &dice.token(64)), ("username", &user), ("password", &password), ("remember", "1"), ("redirect_to", "https://shop.example.com/account/?a=1&b=2")])
        }
        1 => Request::new("login call", "POST", "/api/auth/login").json(&json!({"username": user, "password": password, "device": {"id": dice.uuid(), "name": "Jane's iPhone (work)"}})),
        _ => Request::new("basic login", "GET", "/api/v1/me").header("authorization", format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
    }
}

/// A change of password.
pub(crate) fn password(dice: &mut Dice) -> Request {
    let (old, new) = (secret(dice), secret(dice));
    if dice.once_in(2) {
        return Request::new("password form", "POST", "/account/password").form(&[
            ("_method", "put"),
            ("current_password", &old),
            ("new_password", &new),
            ("new_password_confirmation", &new),
        ]);
    }
    Request::new("password call", "POST", "/api/v1/users/42/password")
        .header("authorization", format!("Bearer {}", jwt(dice)))
        .json(&json!({"old": old, "new": new, "hint": sentence(dice)}))
}

/// A registration with everything a form asks.
pub(crate) fn registration(dice: &mut Dice) -> Request {
    let (family, given) = person(dice);
    let place = address(dice);
    let password = secret(dice);
    let about = sentence(dice);
    let request = dressed(dice, Request::new("registration form", "POST", "/register"));
    if dice.once_in(3) {
        return request.multipart(
            dice,
            &[
                ("first_name", "", "", given.as_bytes()),
                ("last_name", "", "", family.as_bytes()),
                ("street", "", "", place[0].as_bytes()),
                ("password", "", "", password.as_bytes()),
                ("about", "", "", about.as_bytes()),
                ("avatar", "", "application/octet-stream", b""),
            ],
        );
    }
    request.form(&[
        (
            "__VIEWSTATE",
            "/wEPDwULLTE2MTY2ODcyMjkPZBYCAgMPZBYCAgEPDxYCHgRUZXh0BQVIZWxsb2RkZA==",
        ),
        (
            "__EVENTVALIDATION",
            "/wEdAAJ6uHXZ1sVOb4aXr3IHfQiQCUuFHkcVwCfSQyHUnHiYjQ==",
        ),
        ("ctl00$Main$FirstName", given),
        ("ctl00$Main$LastName", family),
        ("address[street]", place[0]),
        ("address[city]", place[1]),
        ("password", &password),
        (
            "website",
            "https://www.example.org/~jane/?q=1&lang=en#about",
        ),
        ("twitter", "@jane_o"),
        ("about", about),
        (
            "g-recaptcha-response",
            &format!("03AFcWeA{}", dice.token(400)),
        ),
    ])
}

/// OAuth 2 and OpenID Connect.
pub(crate) fn single_sign_on(dice: &mut Dice) -> Request {
    let redirect = dice.pick(&[
        "https://app.example.com/oauth2/callback?tenant=a&next=%2Fhome",
        "com.example.app://auth/callback",
        "http://localhost:8400/cb",
        "http://127.0.0.1:53682/",
    ]);
    match dice.below(4) {
        0 => Request::new(
            "oauth authorise",
            "GET",
            format!(
                "/oauth2/v2.0/authorize?client_id={}&response_type=code%20id_token&redirect_uri={}&response_mode=form_post&scope=openid+profile+offline_access&state={}&nonce={}&code_challenge={}&code_challenge_method=S256&prompt=login&login_hint=jane.o%27neil%40example.com&claims={}",
                dice.uuid(),
                component(redirect),
                dice.token(40),
                dice.hex(32),
                dice.token(43),
                component(
                    "{\"id_token\":{\"acr\":{\"essential\":true,\"values\":[\"urn:mace:incommon:iap:silver\"]}}}"
                )
            ),
        ),
        1 => Request::new(
            "oauth callback",
            "GET",
            format!(
                "/signin-oidc?code=0.A{}&state={}&session_state={}&iss=https%3A%2F%2Flogin.example.com",
                dice.token(400),
                component(
                    &STANDARD
                        .encode(json!({"r": "/orders?id=1&x='y'", "n": dice.hex(8)}).to_string())
                ),
                dice.uuid()
            ),
        ),
        2 => Request::new("oauth token", "POST", "/oauth/token").form(&[
            ("grant_type", "authorization_code"),
            ("code", &dice.token(60)),
            ("redirect_uri", redirect),
            ("client_id", "web"),
            ("client_secret", &format!("~{}!", dice.token(30))),
            ("code_verifier", &dice.token(64)),
        ]),
        _ => Request::new("oauth assertion", "POST", "/oauth/token").form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &jwt(dice)),
            ("scope", "https://api.example.com/.default"),
        ]),
    }
}

/// SAML: XML in base64 in a form.
pub(crate) fn saml(dice: &mut Dice) -> Request {
    let (family, given) = person(dice);
    let response = format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_{}\" Version=\"2.0\" IssueInstant=\"2024-11-20T08:15:30Z\" Destination=\"https://sp.example.com/acs?x=1&amp;y=2\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example.org/</saml:Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status><saml:Assertion><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignatureValue>{}</ds:SignatureValue></ds:Signature><saml:AttributeStatement><saml:Attribute Name=\"displayName\"><saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"memberOf\"><saml:AttributeValue>CN=Admins,OU=Groups,DC=example,DC=org</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>",
        dice.hex(32),
        STANDARD.encode(dice.bytes(256)),
        super::xml(&format!("{given} {family}")),
    );
    Request::new("saml response", "POST", "/saml2/acs").form(&[
        ("SAMLResponse", &STANDARD.encode(response)),
        ("RelayState", "https://app.example.com/?deep=%2Forders%2F1"),
    ])
}

"""What the pages say: English and Japanese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "t_service": ("Kessai settlement", "Kessai 決済"),
    # sign-in
    "signin": ("Sign in", "サインイン"),
    "t_user": ("User ID", "ユーザーID"),
    "t_password": ("Password", "パスワード"),
    "t_signin": ("Sign in", "サインイン"),
    "signin_wrong": ("The user ID or the password is not right.", "ユーザーIDまたはパスワードが正しくありません。"),
    "signin_slow": (
        "There were too many tries. Please wait $minutes minutes and try again.",
        "試行回数が多すぎます。$minutes分ほど待ってから、もう一度お試しください。",
    ),
    "signin_busy": ("Too many people are signing in. Please try again in a moment.", "混み合っています。しばらくしてからお試しください。"),
    "t_signout": ("Sign out", "サインアウト"),
    # consent
    "consent": ("Allow $client?", "「$client」に許可しますか"),
    "consent_who": ("You are signed in as $user.", "$user としてサインインしています。"),
    "consent_asks": ("$client asks to:", "「$client」が求めている権限:"),
    "consent_goes": ("Then you go back to $target.", "このあと $target に戻ります。"),
    "t_allow": ("Allow", "許可する"),
    "t_deny": ("Do not allow", "許可しない"),
    "contracts:read": ("See contracts: goods, debits, deliveries", "契約（商品・振替・配送）の閲覧"),
    "contracts:write": ("Register contracts", "契約の登録"),
    "settlements:read": ("See settlements: what was paid out, and fees", "清算（入金額・手数料）の閲覧"),
    "webhooks:write": ("Set up notices about contracts", "通知先の設定"),
    "parties:write": ("Let parties of your firm go", "取引先の紐付けの解除"),
    "operations": ("Operate the settlement server", "決済サーバーの運用"),
    # invitation
    "invitation": ("Invitation from $site", "$site からの招待"),
    "invitation_says": (
        "$site (site $site_id) invites your firm to see the contracts of its party $code, $party.",
        "$site（サイト $site_id）が、取引先 $code「$party」の契約を閲覧できるよう、貴社を招待しています。",
    ),
    "t_invitation_only": (
        "Accepting opens this party and nothing else: the site does not see what else your firm holds.",
        "承諾すると、この取引先だけが開かれます。貴社の他の取引先がサイトに知られることはありません。",
    ),
    "invitation_as": ("You are signed in as $user of $firm.", "$firm の $user としてサインインしています。"),
    "t_accept": ("Accept", "承諾する"),
    "t_have_user": ("My firm has users here", "すでにユーザーIDをお持ちの方"),
    "t_new_firm": ("My firm is new here", "はじめての方"),
    "t_firm_name": ("Name of the firm", "会社名"),
    "t_make_firm": ("Make an account and accept", "アカウントを作成して承諾する"),
    "t_password_rule": ("At least 10 characters.", "10文字以上"),
    "invitation_gone": ("This invitation cannot be accepted", "この招待は承諾できません"),
    "invitation_gone_says": (
        "It was accepted, replaced or is older than 14 days, or the address is not complete. Ask the site for another one.",
        "承諾済み、差し替え済み、または14日を過ぎたか、アドレスが不完全です。サイトに再発行をお申し出ください。",
    ),
    "OPERATOR": (
        "Operators hold no parties. Sign in as a user of a firm.",
        "運用者は取引先を持てません。会社のユーザーでサインインしてください。",
    ),
    "INVITATION": ("This invitation cannot be accepted any more.", "この招待はもう承諾できません。"),
    "FIRM_NAME": ("Please give the firm's name, up to 100 characters.", "会社名を100文字以内で入力してください。"),
    "USER_NAME": (
        "A user ID has 2 to 64 letters a-z, digits, dots, hyphens, underlines or @.",
        "ユーザーIDは半角英小文字・数字・「.」「-」「_」「@」の2〜64文字です。",
    ),
    "USER_TAKEN": ("This user ID is taken. Please choose another one.", "このユーザーIDは使われています。別のものをお選びください。"),
    "PASSWORD": (
        "A password has 10 to 256 characters, at least five different ones, and does not hold the user ID.",
        "パスワードは10〜256文字で、5種類以上の文字を使い、ユーザーIDを含まないものにしてください。",
    ),
    # account
    "account": ("Your account", "アカウント"),
    "account_who": ("Signed in as $user, $firm.", "$firm の $user としてサインインしています。"),
    "account_operator": ("Signed in as $user, operator.", "$user（運用者）としてサインインしています。"),
    "t_parties": ("Parties of the firm", "取引先"),
    "t_none": ("None.", "ありません。"),
    "t_release": ("Release", "手放す"),
    "t_programs": ("Programs that may see this for you", "許可したアプリケーション"),
    "t_end": ("End", "取り消す"),
    "t_change_password": ("Another password", "パスワードの変更"),
    "t_old_password": ("Present password", "現在のパスワード"),
    "t_new_password": ("New password", "新しいパスワード"),
    "t_change": ("Change", "変更する"),
    "password_changed": (
        "The password has been changed. Please sign in again.",
        "パスワードを変更しました。もう一度サインインしてください。",
    ),
    # messages
    "problem": ("This does not work", "処理できません"),
    "stale_form": (
        "This form is too old or came from elsewhere. Go back, load the page again, and try once more.",
        "フォームの有効期限が切れたか、別の場所から送信されました。前のページを読み込み直してください。",
    ),
    "bad_client": (
        "The program that sent you here is not known, or is not allowed to. Nothing was sent to it.",
        "呼び出し元のアプリケーションが登録されていないか、許可されていません。情報は送信していません。",
    ),
    "bad_redirect": (
        "The program that sent you here named a place to return to that is not registered. Nothing was sent to it.",
        "呼び出し元が指定した戻り先が登録されていません。情報は送信していません。",
    ),
    "bad_request": ("The request cannot be read.", "リクエストを読み取れません。"),
    "signed_out": ("You are signed out", "サインアウトしました"),
    "signed_out_says": ("You can close this page.", "このページを閉じて構いません。"),
}

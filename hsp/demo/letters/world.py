"""Letters in many scripts and charsets, from people who keep clocks by the sea."""

from __future__ import annotations

from hsp.demo.letters.letter import File, Sketch, thread


def letters() -> list[Sketch]:
    """Mails in many scripts and character sets."""
    return [*_greek_thread(), *_legacy(), *_right_to_left(), *_unicode()]


def _greek_thread() -> list[Sketch]:
    harbour = "Λιμεναρχείο Ύδρας <limenarchis@hydra-port.example>"
    return thread(
        "Το ρολόι της παλίρροιας",
        (
            19.0,
            harbour,
            """Αγαπητή κυρία Μάρλοου,

το ρολόι σας έφτασε χθες με το πλοίο των οκτώ. Στην Ύδρα δεν έχουμε σχεδόν καθόλου παλίρροια, αλλά τώρα ξέρουμε
ακριβώς πόσο λίγη.

Με εκτίμηση
Το Λιμεναρχείο""",
        ),
        (18.6, "Alice Marlowe <alice@demo.test>", "Χαίρομαι πολύ! Μην το κουρδίζετε τις Κυριακές.\n\nAlice"),
        (18.1, harbour, "Τις Κυριακές εδώ δεν κουρδίζεται τίποτα. Σας περιμένουμε για καφέ."),
        flags=("SA", "S", "SF"),
    )


def _legacy() -> list[Sketch]:
    """Charsets from before UTF-8, as they still arrive."""
    return [
        Sketch(
            23.5,
            "Сергей Волков <volkov@chasy.example>",
            "Маятник и сквозняк",
            "Здравствуйте, Алиса!\n\nМаятник остановился не из-за пружины, а из-за сквозняка. Закрыли"
            " форточку, и он пошёл."
            " Теперь в мастерской тепло и точно.\n\nС уважением,\nСергей Волков\n",
            charset="koi8-r",
            encoding="8bit",
            flags="SA",
        ),
        Sketch(
            35.4,
            "Зоя Петрова <zoya@teatr.example>",
            "Два билета на «Чайку»",
            "Дорогая Алиса,\n\nдва билета на субботу, третий ряд. Чайка настоящая только во втором акте.\n\nЗоя\n",
            charset="windows-1251",
            encoding="quoted-printable",
        ),
        Sketch(
            17.2,
            "田中 美咲 <tanaka@minato-museum.example>",
            "潮汐時計の展示について",
            "マーロウ様\n\nお世話になっております。港の博物館の田中です。\n潮汐時計は入口の正面に置くことになりました。"
            "子どもたちは「海の時計」と呼んでいます。\n\n写真は来週お送りします。\n田中\n",
            charset="iso-2022-jp",
            flags="SF",
        ),
        Sketch(
            6.6,
            "佐藤 健 <sato@tokei.example>",
            "ねじの件（M2）",
            "アリス様\n\nM2のねじを千本、お送りしました。箱の中にお菓子も少し入っています。\n\n佐藤\n",
            charset="shift_jis",
            encoding="base64",
            flags="",
        ),
        Sketch(
            27.9,
            "林小雨 <lin@haishi.example>",
            "关于海边的钟",
            "爱丽丝：\n\n你好！钟楼的钟又准了。老师傅说，海风比人更懂时间。随信附上茶叶清单。\n\n祝好\n小雨\n",
            charset="gb18030",
            encoding="base64",
            files=(File("茶叶清单.csv", "text/csv", "名称,克\n龙井,100\n铁观音,250\n".encode()),),
        ),
        Sketch(
            12.9,
            "陳大文 <chan@star-ferry.example>",
            "渡輪時間表",
            "Alice 你好：\n\n新的渡輪時間表已經印好，潮水一欄用的是你們的鐘。\n\n大文\n",
            charset="big5",
            encoding="base64",
        ),
        Sketch(
            5.1,
            "김하늘 <kim@busan-aquarium.example>",
            "수족관 시계가 멈췄어요",
            "안녕하세요 앨리스 님,\n\n수족관의 시계가 멈췄는데 문어가 누른 것 같습니다. 다시 켜는"
            " 방법을 알려 주세요.\n\n김하늘 드림\n",
            charset="euc-kr",
            encoding="base64",
            flags="F",
        ),
        Sketch(
            30.2,
            "Zdeněk Šťastný <zdenek@hodinar.example>",
            "Příliš žluťoučký stroj",
            "Dobrý den, Alice,\n\npříliš žluťoučký stroj úpěl ďábelské ódy, ale po kapce oleje už jen"
            " tiká.\n\nZdeněk\n",
            charset="iso-8859-2",
            encoding="quoted-printable",
        ),
        Sketch(
            40.5,
            "Aşkın Yıldız <askin@bogaz.example>",
            "Boğaz'da iki akıntı",
            "Sevgili Alice,\n\nBoğaz'da üstte bir akıntı, altta başka bir akıntı var. Saatiniz"
            " hangisini göstersin?\n\nAşkın\n",
            charset="iso-8859-9",
            encoding="8bit",
            flags="SA",
        ),
        Sketch(
            28.4,
            "Jürgen Groß <gross@feinmechanik.example>",
            "Größe der Zahnräder",
            "Liebe Frau Marlowe,\n\ndie Zahnräder sind 0,2 mm zu groß. Für Mäuse wäre das viel, für"
            " Mühlen wenig. 12 € zurück?\n\n"
            "Mit freundlichen Grüßen\nJürgen Groß\n",
            charset="iso-8859-15",
            encoding="8bit",
        ),
    ]


def _right_to_left() -> list[Sketch]:
    return [
        Sketch(
            2.8,
            "ليلى حداد <layla@alexandria-port.example>",
            "ساعة المد في الإسكندرية",
            "عزيزتي أليس،\n\nوصلت الساعة سالمة. وضعناها قرب النافذة (الطابق 3) كي ترى البحر.\nالمد"
            " عندنا خجول، لكن الساعة صبورة.\n\n"
            "مع تحياتي،\nليلى\n",
            html='<div dir="rtl"><p>عزيزتي أليس،</p><p>وصلت الساعة سالمة. وضعناها قرب النافذة (الطابق'
            " <b>3</b>) كي ترى البحر.</p>"
            "<p>المد عندنا خجول، لكن الساعة صبورة.</p><p>مع تحياتي،<br>ليلى</p></div>",
            flags="F",
        ),
        Sketch(
            15.9,
            "דוד כהן <david@haifa-clocks.example>",
            "השעון בנמל חיפה",
            "אליס שלום,\n\nהשעון בנמל (Pier 12) מפגר בשתי דקות. החתול של הנמל ישן על המשקולת.\nמה"
            " עושים עם החתול?\n\nדוד\n",
            charset="iso-8859-8",
            encoding="base64",
        ),
        Sketch(
            9.9,
            "رضا کریمی <reza@bandar.example>",
            "Invoice 1042 / فاکتور ۱۰۴۲",
            "Hello Alice,\n\nthe invoice ۱۰۴۲ is attached in both directions.\n\nبا احترام\nرضا\n",
            files=(File("فاکتور-۱۰۴۲.txt", "text/plain", "جمع: ۱۲۰٬۰۰۰\n".encode()),),
        ),
        Sketch(
            21.7,
            "The \u202eetisoppo Shop <mirror@mirrors.example>",
            "Mirrors, now also \u202ereversed\u202c",
            "Our name contains a sign that turns writing around. A careful reader shows it without turning with it.\n",
        ),
    ]


def _unicode() -> list[Sketch]:
    return [
        Sketch(
            1.4,
            "สมชาย ใจดี <somchai@chaophraya.example>",
            "นาฬิกาน้ำขึ้นน้ำลง",
            "สวัสดีครับคุณอลิซ\n\nนาฬิกาเดินตรงเวลาดีมาก ปลาในแม่น้ำก็ตรงเวลาเช่นกัน\n\nสมชาย\n",
            charset="utf-8",
            flags="",
        ),
        Sketch(
            13.8,
            "अनीता शर्मा <anita@mumbai-docks.example>",
            "ज्वार-भाटा घड़ी",
            "प्रिय ऐलिस,\n\nघड़ी गोदी पर लग गई है। सब लोग समय से पहले पहुँचने लगे हैं, जो यहाँ नई बात है।\n\nअनीता\n",
        ),
        Sketch(
            0.8,
            "Zoë 🦊 Fletcher <zoe@fletcher.example>",
            "🎉🎂 surprise party (do NOT tell 🤫)",
            "Friday 7️⃣ pm at ours! 🏠\n\nBring: 🥖 🧀 🕯️\nDo not bring: 🎺\n\n👨‍👩‍👧‍👦 are all"
            " coming, 👍🏽 if you are too. 🇮🇸 Guðrún flies in.\n\n"
            "Zoë 🦊\n",
            flags="",
        ),
        Sketch(
            36.6,
            "Guðrún Þórsdóttir <gudrun@vedur.example>",
            "Þoka á Öxarfirði",
            "Sæl Alice,\n\nþað er þoka. Klukkan segir flóð, en við sjáum það ekki.\n\nGuðrún\n",
        ),
        Sketch(
            42.0,
            "Nguyễn Thị Hạnh <hanh@halong.example>",
            "Thủy triều ở Hạ Long",
            "Chào Alice,\n\nđồng hồ chạy rất đúng. Thủy triều thì vẫn đến khi nó muốn.\n\nHạnh\n",
        ),
        Sketch(
            44.3,
            "ქეთევან ლომიძე <keti@batumi.example>",
            "ზღვის საათი",
            "გამარჯობა ალისა,\n\nსაათი ბათუმში მუშაობს. ზღვა კი არასოდეს ჩერდება.\n\nქეთევანი\n",
        ),
        Sketch(
            45.8,
            "የሻሽ ታደሰ <yeshi@tana.example>",
            "Lake Tana ሰዓት",
            "ሰላም አሊስ፣\n\nሐይቁ ማዕበል የለውም፣ ግን ሰዓቱ ቆንጆ ነው።\n\nየሻሽ\n",
        ),
        Sketch(
            46.9,
            "Z̸a̷l̶g̸o̵ <zalgo@combining.example>",
            "H̷̢̛̤͓e̵͇͐l̸̰̈́l̷̳̊o̶̱̾ from below",
            "T̷h̶e̸ tide r̴̡̛i̷̬͝s̵̫̃e̶͉͝s̴̰̈́. Letters may grow past their line; the line should stay.\n\nA zero\u200bwidth"
            "\u200dspace\ufeff hides here.\n",
        ),
    ]
